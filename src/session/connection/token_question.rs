//! The question for a token: when the application's token callback is called, and whether
//! it has answered.

/// See the module.
#[derive(Debug, Default)]
pub struct TokenQuestion {
    state: State,
    /// The callback has been called, or will be, and has not returned.
    is_asking: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is asked.
    #[default]
    None,
    /// The callback was asked for a token, and there is no answer.
    Asked,
    /// The callback was asked, has not answered, and the attempt that needed the token is
    /// over.
    Overdue,
}

impl TokenQuestion {
    /// Whether the callback is to be called now: one call at a time, and one for an
    /// attempt.
    pub fn ask(&mut self) -> bool {
        if self.state == State::Asked {
            return false;
        }
        self.state = State::Asked;
        !std::mem::replace(&mut self.is_asking, true)
    }

    /// The callback has returned. Its answer may still come.
    pub fn callback_returned(&mut self) {
        self.is_asking = false;
    }

    /// What needs the token is over: the next attempt may ask again.
    pub fn is_overdue(&mut self) {
        if self.state == State::Asked {
            self.state = State::Overdue;
        }
    }

    /// There is a token, or none is needed any more. Whether one had been asked for.
    pub fn answered(&mut self) -> bool {
        std::mem::take(&mut self.state) != State::None
    }
}
