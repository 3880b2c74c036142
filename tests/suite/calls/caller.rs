//! Somebody in a call, over a socket of theirs.

use serde_json::{Value, json};

use crate::people::{Person, Socket, nonce};

/// A person's page, with its socket and its place in a call.
pub(crate) struct Caller {
    pub(super) socket: Socket,
    pub(super) room: String,
    pub(super) page: String,
    /// What `call-joined` said.
    pub(super) joined: Value,
}

impl Caller {
    /// Comes in by a new socket and a new page.
    pub(crate) async fn join(person: &Person, room: &str) -> Self {
        Self::come(person, room, &nonce(), None).await
    }

    /// Comes in by a new socket, as this page, maybe back to a place.
    pub(super) async fn come(person: &Person, room: &str, page: &str, place: Option<Value>) -> Self {
        let mut socket = person.socket().await;
        let joined = enter(&mut socket, room, page, place).await;
        assert_eq!(joined["type"], "call-joined", "{joined}");
        Self { socket, room: room.to_owned(), page: page.to_owned(), joined }
    }

    /// The call.
    pub(super) fn call(&self) -> &str {
        self.joined["call"]["call"].as_str().unwrap()
    }

    pub(super) fn peer(&self) -> &str {
        self.joined["peer"].as_str().unwrap()
    }

    pub(super) fn entry(&self) -> u64 {
        self.joined["entry"].as_u64().unwrap()
    }

    /// What its page keeps to come back by.
    pub(super) fn place(&self) -> Value {
        json!({ "call": self.call(), "peer": self.peer(), "entry": self.entry() })
    }

    /// Leaves, and waits until that is done.
    pub(super) async fn leave(&mut self) {
        let frame = json!({ "type": "call-leave", "room": self.room, "call": self.call() });
        assert_eq!(self.socket.change(frame).await["type"], "ack");
    }

    /// The next roster in which it is so.
    pub(super) async fn roster(&mut self, so: impl FnMut(&[Value]) -> bool) -> Value {
        roster(&mut self.socket, so).await
    }

    /// A signal to another, as this page sends it.
    pub(super) fn signal(&self, kind: &str, to: &Caller, n: u64, more: Value) -> Value {
        let mut entries = [self.entry(), to.entry()];
        entries.sort_unstable();
        let link = json!({ "id": format!("{}-{}", entries[0], entries[1]), "generation": 1 });
        let mut frame = json!({ "type": kind, "call": self.call(), "to": to.peer(), "link": link, "n": n });
        for (name, value) in more.as_object().unwrap() {
            frame[name] = value.clone();
        }
        frame
    }
}

/// Asks to come in; `call-joined` or `error`.
pub(super) async fn enter(socket: &mut Socket, room: &str, page: &str, place: Option<Value>) -> Value {
    let nonce = nonce();
    let mut frame = json!({ "type": "call-join", "room": room, "nonce": nonce, "page": page });
    if let Some(place) = place {
        frame["place"] = place;
    }
    socket.send(&frame).await;
    socket.find(|answer| answer["nonce"] == nonce.as_str()).await
}

/// The next roster in which it is so.
pub(super) async fn roster(socket: &mut Socket, mut so: impl FnMut(&[Value]) -> bool) -> Value {
    socket.find(|frame| frame["type"] == "call" && so(frame["people"].as_array().unwrap())).await
}

/// The users in a roster.
pub(super) fn users(people: &[Value]) -> Vec<&str> {
    people.iter().map(|one| one["user"].as_str().unwrap()).collect()
}
