//! What two pages tell each other to make a link. The server reads none of it; it checks only its sizes.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::model::{Arrival, CallId, PeerId, RoomId};

/// The most bytes of a session description.
const MAX_SDP: usize = 48 * 1024;
/// The most candidates told together.
const MAX_CANDIDATES: usize = 32;
/// The most bytes of a candidate.
const MAX_CANDIDATE: usize = 1_024;
/// The most bytes of the other texts that go with a candidate.
const MAX_WORD: usize = 256;
/// The most bytes of a link's name.
const MAX_LINK: usize = 64;
/// The highest number of a frame, and of a generation: exact in every language.
const MAX_NUMBER: u32 = 1 << 31;

/// A signal on its way to a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// In which room.
    pub room: RoomId,
    /// In which call.
    pub call: CallId,
    /// Who sent it: the server's word, not the sender's.
    pub from: PeerId,
    /// By which page of theirs: the server's word, too.
    pub entry: Arrival,
    /// Whom it is for.
    pub to: PeerId,
    /// Which connection of the two it is about.
    pub link: Link,
    /// Its number among the frames of that link.
    pub n: u32,
    /// What it says.
    pub says: Signalled,
}

/// What a signal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signalled {
    /// A description that asks for an answer.
    Offer(Sdp),
    /// The answer.
    Answer(Sdp),
    /// Ways to be reached.
    Ice(Candidates),
    /// All up to this number have come.
    Ack,
}

/// A connection between two, and how often it was made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which.
    #[serde(deserialize_with = "link_name")]
    pub id: String,
    /// From 1.
    #[serde(deserialize_with = "number")]
    pub generation: u32,
}

/// A session description: at most 48 KiB that look like one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sdp(String);

impl<'de> Deserialize<'de> for Sdp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() <= MAX_SDP && text.starts_with("v=0") && !text.contains('\0') {
            Ok(Self(text))
        } else {
            Err(de::Error::custom("expected a session description of at most 48 KiB"))
        }
    }
}

/// A way to be reached; with an empty text, there are no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// As browsers write it.
    candidate: String,
    /// The medium that it belongs to, by name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mid: Option<String>,
    /// and by place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u16>,
    /// The description that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ufrag: Option<String>,
}

/// Some at once: 1 to 32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Candidates(Vec<Candidate>);

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<Candidate>::deserialize(deserializer)?;
        let short = |word: &Option<String>| word.as_ref().is_none_or(|word| word.len() <= MAX_WORD);
        let fits = |it: &Candidate| it.candidate.len() <= MAX_CANDIDATE && short(&it.mid) && short(&it.ufrag);
        if (1..=MAX_CANDIDATES).contains(&all.len()) && all.iter().all(fits) {
            Ok(Self(all))
        } else {
            Err(de::Error::custom("expected 1 to 32 candidates, each of at most 1024 bytes"))
        }
    }
}

fn link_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-');
    if (1..=MAX_LINK).contains(&text.len()) && text.bytes().all(known) {
        Ok(text)
    } else {
        Err(de::Error::custom("expected a link's name: 1 to 64 of A-Z a-z 0-9 _ : -"))
    }
}

/// A frame's number, or a generation's: 1 to 2³¹.
///
/// # Errors
/// When it is another.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    if (1..=MAX_NUMBER).contains(&number) {
        Ok(number)
    } else {
        Err(de::Error::custom("expected a number from 1 to 2147483648"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test may fail")]

    use proptest::prelude::*;

    use super::*;

    fn reads<T: for<'de> Deserialize<'de>>(json: &str) -> bool {
        serde_json::from_str::<T>(json).is_ok()
    }

    #[test]
    fn what_is_too_large_or_nothing_like_it_is_refused() {
        let sdp = |length: usize| format!("{:?}", format!("v=0{}", "x".repeat(length - 3)));
        assert!(reads::<Sdp>(&sdp(MAX_SDP)) && !reads::<Sdp>(&sdp(MAX_SDP + 1)));
        assert!(!reads::<Sdp>(r#""""#) && !reads::<Sdp>(r#""o=- 1""#) && !reads::<Sdp>(r#""v=0\u0000""#));
        let one = r#"{"candidate":""}"#;
        let many = |count: usize| format!("[{}]", vec![one; count].join(","));
        assert!(reads::<Candidates>(&many(1)) && reads::<Candidates>(&many(32)));
        assert!(!reads::<Candidates>(&many(0)) && !reads::<Candidates>(&many(33)));
        let long = format!(r#"[{{"candidate":"{}"}}]"#, "x".repeat(MAX_CANDIDATE + 1));
        assert!(!reads::<Candidates>(&long) && !reads::<Candidates>(r#"[{"candidate":"","more":1}]"#));
        assert!(reads::<Link>(r#"{"id":"1-2","generation":1}"#));
        for wrong in [
            r#"{"id":"","generation":1}"#,
            r#"{"id":"1 2","generation":1}"#,
            r#"{"id":"1","generation":0}"#,
            r#"{"id":"1","generation":-1}"#,
            r#"{"id":"1","generation":3000000000}"#,
            r#"{"id":"1"}"#,
        ] {
            assert!(!reads::<Link>(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_handed_on_as_it_was(mid in "\\PC{0,20}", line in any::<Option<u16>>(), text in "\\PC{0,200}") {
            let candidate = Candidate { candidate: text.clone(), mid: Some(mid), line, ufrag: None };
            let json = serde_json::to_string(&[candidate]).expect("json");
            let read: Candidates = serde_json::from_str(&json).expect("it fits");
            prop_assert_eq!(serde_json::to_string(&read).expect("json"), json);
            let sdp = serde_json::to_string(&format!("v=0\r\n{text}")).expect("json");
            let read: Sdp = serde_json::from_str(&sdp).expect("it fits");
            prop_assert_eq!(serde_json::to_string(&read).expect("json"), sdp);
        }
    }
}
