//! What the application asks for, and the server's usual replies to it.

use super::*;

impl World {
    /// The application has a callback that is asked for tokens.
    pub fn set_token_callback(&mut self) {
        self.engine
            .session
            .set_token_sink(self.now, Some(Box::new(TokenCallback)));
        self.settle();
    }

    pub fn set_token(&mut self, token: &str) {
        self.engine
            .session
            .set_token(self.now, Secret::new(token))
            .unwrap();
        self.settle();
    }

    pub fn subscribe(&mut self, spec: SubscriptionSpec) -> SubId {
        self.subscribe_to("posts", spec)
    }

    pub fn subscribe_to(&mut self, collection: &str, spec: SubscriptionSpec) -> SubId {
        self.subscribe_as(collection, spec, DeliveryOptions::default())
    }

    /// Follows one item, whose row an INIT then shows.
    pub fn follow_item(&mut self, item: &str, row: Value) -> (SubId, String) {
        let query = query_for_item(None, "id", item).unwrap();
        let spec = SubscriptionSpec {
            query: Some(query.into()),
            ..spec()
        };
        let item = Some(item.into());
        let id = self.subscribe_as(
            "posts",
            spec,
            DeliveryOptions {
                item,
                ..DeliveryOptions::default()
            },
        );
        let wire = self.confirm();
        self.answer_read(row);
        self.told.clear();
        (id, wire)
    }

    pub fn subscribe_as(
        &mut self,
        collection: &str,
        spec: SubscriptionSpec,
        delivery: DeliveryOptions,
    ) -> SubId {
        let new = NewSubscription {
            uid: None,
            collection: collection.into(),
            spec,
            delivery: DeliveryOptions {
                primary_key: "id".into(),
                ..delivery
            },
            scope: None,
            tag: 0,
            sink: Box::new(Nobody),
        };
        let id = self.engine.session.reserve_subscription();
        let Subscribed::New = self.engine.session.subscribe(self.now, id, new) else {
            panic!("the subscription was not made");
        };
        self.settle();
        id
    }

    pub fn unsubscribe(&mut self, id: SubId) {
        self.engine.session.unsubscribe(self.now, id);
        self.settle();
    }

    pub fn request(&mut self, json: &str) {
        let message = CustomMessage::parse(json).unwrap();
        let timeout = Duration::from_secs(5);
        let sink = Box::new(NoReply);
        let sent = self
            .engine
            .session
            .request(self.now, message, timeout, sink, 0);
        assert!(sent.is_ok());
        self.settle();
    }

    pub fn message(&mut self, json: &str) {
        let message = CustomMessage::parse(json).unwrap();
        self.engine
            .session
            .send_message(self.now, message, 0)
            .unwrap();
        self.settle();
    }

    /// Subscribes and answers as the server does, with an empty snapshot.
    pub fn active(&mut self, spec: SubscriptionSpec) -> (SubId, String) {
        let exact = spec.exact && spec.wants_snapshot();
        let id = self.subscribe(spec);
        let wire = self.confirm();
        if exact {
            self.answer_read(json!([]));
        }
        self.told.clear();
        (id, wire)
    }

    /// Answers the next subscribe.
    pub fn confirm(&mut self) -> String {
        let subscribe = self.next();
        assert_eq!(subscribe["type"], "subscribe");
        let wire = subscribe["uid"].as_str().unwrap().to_owned();
        self.say(init(&subscribe["uid"]));
        wire
    }

    /// Answers the next read.
    pub fn answer_read(&mut self, data: Value) {
        let read = self.next();
        assert_eq!(
            (&read["type"], &read["action"]),
            (&json!("items"), &json!("read"))
        );
        self.say(json!({"type": "items", "data": data, "uid": read["uid"]}));
    }

    /// Subscribes to all, whose rows an INIT then shows.
    pub fn follow(&mut self, rows: Value) -> (SubId, String) {
        let id = self.subscribe(spec());
        let wire = self.confirm();
        self.answer_read(rows);
        self.told.clear();
        (id, wire)
    }
}
