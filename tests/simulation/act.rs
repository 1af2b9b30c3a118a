//! Carries out the steps of a schedule.

use crate::schedule::{Action, Reaction};
use crate::world::World;

impl World {
    /// From now on messages may be delayed.
    fn disturb(&mut self) {
        self.undisturbed = false;
        self.was_stalled = true;
        self.server.late = true;
        self.client.reads_may_be_lost();
    }

    pub fn act(&mut self, action: &Action) {
        let app = &self.app;
        match action {
            Action::Connect => self.client.connect(),
            Action::Disconnect => self.client.disconnect(),
            Action::Reconnect => self.client.reconnect(),
            Action::SetToken { good } => app.set_token(*good),
            Action::Subscribe(wanted) => app.subscribe(wanted),
            Action::SubscribeMany(count) => {
                // Under a rate limit, many subscribes would take too long.
                let limited = self.setting.rate_limit.is_some();
                for _ in 0..if limited { 1 } else { *count } {
                    app.react(Reaction::Subscribe, None);
                }
            }
            Action::Unsubscribe(nth) => app.unsubscribe(*nth),
            Action::Resync(nth) => app.resync(*nth),
            Action::UnsubscribeUid(uid) => app.unsubscribe_uid(*uid),
            Action::UnsubscribeAll => app.unsubscribe_all(),
            Action::OpenLive(wanted) => app.open_live(wanted),
            Action::CloseLive(nth) => app.close_live(*nth),
            Action::OpenScope => app.open_scope(),
            Action::CloseScope => app.close_scope(),
            Action::Stall => self.pace = None,
            Action::Wake => self.pace = Some(self.setting.pace),
            Action::Request(asked) => app.request(*asked),
            Action::Send(asked) => app.send(*asked),
            Action::Create(count) => self.server.create(self.now, *count),
            Action::Import(count) => self.server.import(self.now, *count),
            Action::Update { nth, count } => self.server.update(self.now, *nth, *count),
            Action::Delete { nth, count, by_url } => {
                self.server.delete(self.now, *nth, *count, *by_url);
            }
            Action::Cut => self.cut_all("the connection was reset"),
            Action::Reset => self.reset_all(),
            Action::Freeze => {
                self.disturb();
                self.network.up_is_dead = true;
                self.network.down_is_dead = true;
            }
            Action::HalfOpen { up } => {
                self.disturb();
                self.network.up_is_dead |= up;
                self.network.down_is_dead |= !up;
            }
            Action::Thaw => self.network.revive(),
            Action::Restart { away } => {
                self.server.stop();
                if !self.network.down_is_dead {
                    self.cut_all("the server closed the connection without a close frame");
                }
                self.server_back_at = Some(self.now + *away);
            }
            Action::RefuseUpgrades { status, time } => {
                self.server.refuses_upgrades = Some((*status, self.now + *time));
            }
            Action::Revoke => {
                self.server.revoke(true);
                self.was_revoked = true;
            }
            Action::Grant => self.server.revoke(false),
            Action::Nothing => {}
        }
    }
}
