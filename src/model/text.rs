//! Texts that people enter, each with its limits. A value of these types has passed them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// A value outside its limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Invalid {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it, as a sentence.
    pub why: String,
}

/// A name as it is searched and sorted by.
pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Characters that would let a one-line text pose as another, or break out of its line.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn line(field: &'static str, text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    let length = text.chars().count();
    let invalid = |why| Err(Invalid { field, why });
    if length < min {
        invalid(if min == 1 { "This can't be empty.".into() } else { format!("At least {min} characters.") })
    } else if length > max {
        invalid(format!("At most {max} characters; this has {length}."))
    } else if text.chars().any(deceives) {
        invalid("Line breaks and invisible characters can't be used here.".into())
    } else {
        Ok(text.to_owned())
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, |$input:ident| $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str($input: &str) -> Result<Self, Invalid> {
                $check.map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(|e: Invalid| {
                    de::Error::custom(format_args!("{}: {}", e.field, e.why))
                })
            }
        }
    };
}

text!(
    /// A message as written: Markdown, 1 to 4,000 characters, not only white space.
    MessageText,
    |input| message(input)
);
text!(
    /// An unsent message: at most 4,000 characters, may be empty.
    DraftText,
    |input| draft(input)
);
text!(
    /// A room's name: 1 to 80 characters on one line.
    RoomName,
    |input| line("name", input, 1, 80)
);
text!(
    /// What a room is about: at most 250 characters on one line.
    Topic,
    |input| line("topic", input, 0, 250)
);
text!(
    /// The name one logs in with and is mentioned by: 2 to 32 of `a-z 0-9 _ . -`, beginning and ending with a
    /// letter or digit. Capitals are folded.
    LoginName,
    |input| login_name(input)
);
text!(
    /// The name that others see: 1 to 64 characters on one line.
    DisplayName,
    |input| line("display", input, 1, 64)
);
text!(
    /// A few words about oneself: at most 500 characters.
    Bio,
    |input| bio(input)
);
text!(
    /// What somebody says of the moment: at most 100 characters on one line, may be empty.
    StatusText,
    |input| line("text", input, 0, 100)
);
text!(
    /// One emoji of Unicode, recommended for general interchange.
    Emoji,
    |input| emoji(input)
);

/// The most characters of a message.
pub const MAX_MESSAGE: usize = 4_000;

fn message(text: &str) -> Result<String, Invalid> {
    let text = draft(text)?;
    if text.trim().is_empty() {
        return Err(Invalid { field: "text", why: "A message can't be empty.".into() });
    }
    Ok(text.trim_end().to_owned())
}

fn draft(text: &str) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length > MAX_MESSAGE {
        let why = format!("At most {MAX_MESSAGE} characters; this has {length}.");
        return Err(Invalid { field: "text", why });
    }
    if text.chars().any(|c| c == '\0') {
        return Err(Invalid { field: "text", why: "A text can't hold the character NUL.".into() });
    }
    Ok(text.replace("\r\n", "\n"))
}

fn bio(text: &str) -> Result<String, Invalid> {
    let text = text.trim().replace("\r\n", "\n");
    let length = text.chars().count();
    if length > 500 {
        return Err(Invalid { field: "bio", why: format!("At most 500 characters; this has {length}.") });
    }
    if text.chars().any(|c| c != '\n' && deceives(c)) {
        return Err(Invalid { field: "bio", why: "Invisible characters can't be used here.".into() });
    }
    Ok(text)
}

fn login_name(text: &str) -> Result<String, Invalid> {
    let name = text.trim().to_ascii_lowercase();
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if (2..=32).contains(&name.len())
        && ends(name.chars().next())
        && ends(name.chars().next_back())
        && name.chars().all(inside)
    {
        Ok(name)
    } else {
        let why =
            "2 to 32 letters a to z, digits, dots, hyphens or underscores; a letter or digit first and last.";
        Err(Invalid { field: "name", why: why.into() })
    }
}

fn emoji(text: &str) -> Result<String, Invalid> {
    match emojis::get(text) {
        Some(emoji) => Ok(emoji.as_str().to_owned()),
        None => Err(Invalid { field: "emoji", why: "That isn't an emoji.".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_is_folded_and_bounded() {
        assert_eq!("  Ann.Lee ".parse::<LoginName>().map(LoginName::into_string), Ok("ann.lee".into()));
        for wrong in ["a", "-ann", "ann-", "ann lee", "änn", "", &"a".repeat(33), "ann\u{200b}"] {
            assert!(wrong.parse::<LoginName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_on_one_line_takes_no_invisible_characters() {
        for wrong in ["", "   ", "a\nb", "ann\u{202e}nna", "\u{feff}ann\u{feff}x", &"x".repeat(65)] {
            assert!(wrong.parse::<DisplayName>().is_err(), "{wrong:?}");
        }
        assert!("שרה כהן".parse::<DisplayName>().is_ok());
    }

    #[test]
    fn an_emoji_is_exactly_one() {
        for right in ["👍", "❤️", "👩‍💻", "🇩🇪"] {
            assert!(right.parse::<Emoji>().is_ok(), "{right:?}");
        }
        for wrong in ["", "a", "👍👍", "<b>", ":+1:", "1"] {
            assert!(wrong.parse::<Emoji>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_message_is_counted_in_characters() {
        assert!("ä".repeat(MAX_MESSAGE).parse::<MessageText>().is_ok());
        assert!("ä".repeat(MAX_MESSAGE + 1).parse::<MessageText>().is_err());
        assert!(" \n\t ".parse::<MessageText>().is_err());
    }
}
