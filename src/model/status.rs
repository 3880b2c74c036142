//! What somebody says of the moment: an emoji, a few words, whether they want to be left alone, and until when that holds.

use serde::{Deserialize, Serialize};

use super::{
    ids::Timestamp,
    text::{Emoji, Invalid, StatusText},
};

/// The longest that a status may hold, in milliseconds: a year and a day.
const LONGEST_MS: i64 = 366 * 24 * 60 * 60 * 1_000;

/// What somebody says of the moment; never without a word, a sign, or the wish to be left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// One emoji.
    pub emoji: Option<String>,
    /// A few words; may be empty.
    pub text: String,
    /// Whether they don't want to be disturbed.
    pub busy: bool,
    /// When it is over, where that was said.
    pub until: Option<Timestamp>,
}

impl Status {
    /// A status that was asked for at `now`; none when it says nothing. One whose time is over is taken, and says nothing.
    ///
    /// # Errors
    /// When it would hold for more than a year.
    pub fn new(
        emoji: Option<Emoji>,
        text: &StatusText,
        busy: bool,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Self>, Invalid> {
        if until.is_some_and(|until| until.0 > now.0.saturating_add(LONGEST_MS) || until.0 < 0) {
            return Err(Invalid { field: "until", why: "At most a year from now.".to_owned() });
        }
        let text = text.as_str().to_owned();
        let nothing = emoji.is_none() && text.is_empty() && !busy;
        Ok((!nothing).then(|| Self { emoji: emoji.map(Emoji::into_string), text, busy, until }))
    }

    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str, busy: bool, until: Option<i64>) -> Result<Option<Status>, Invalid> {
        Status::new(None, &text.parse()?, busy, until.map(Timestamp), Timestamp(1_000))
    }

    #[test]
    fn a_status_that_says_nothing_is_none() {
        assert_eq!(status("  ", false, Some(2_000)), Ok(None));
        assert!(matches!(status("", true, None), Ok(Some(_))));
        assert!(matches!(status("out", false, None), Ok(Some(_))));
    }

    #[test]
    fn a_status_holds_until_its_time() {
        let kept = status("out", false, Some(2_000)).ok().flatten();
        assert!(
            kept.as_ref().is_some_and(|kept| kept.holds(Timestamp(1_999)) && !kept.holds(Timestamp(2_000)))
        );
        assert!(status("out", false, Some(i64::MAX)).is_err() && status("out", false, Some(-1)).is_err());
        assert!(status("out", false, Some(LONGEST_MS)).is_ok());
        assert!(status(&"x".repeat(101), false, None).is_err() && status("a\nb", false, None).is_err());
    }
}
