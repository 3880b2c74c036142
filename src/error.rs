//! One error for the edges: what somebody sees, what the log gets, which status. `docs/api.md` lists the codes.
//!
//! Capabilities return it, too; it knows no request. An answer's body and a socket's `error` frame are made from it
//! in one place each ([`crate::web::answer`], the socket), so they say the same.

use std::{borrow::Cow, fmt, time::Duration};

use axum::http::StatusCode;

use crate::{
    log::LogError,
    model::{Refusal, text::Invalid},
    store::StoreError,
};

/// A boxed cause, for the log alone.
type Cause = Box<dyn std::error::Error + Send + Sync>;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident, $retry:literal, $says:literal;)*) => {
        /// What went wrong, by its stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All there are.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// Its stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $name,)* }
            }

            /// The status of an answer that bears it.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$code => StatusCode::$status,)* }
            }

            /// Whether the same may be asked for again, with the same nonce.
            pub fn retry(self) -> bool {
                match self { $(Code::$code => $retry,)* }
            }

            /// What it says where nothing more exact is known.
            fn sentence(self) -> &'static str {
                match self { $(Code::$code => $says,)* }
            }
        }
    };
}

codes! {
    /// Not JSON, a wrong type, an unknown field.
    Malformed = "malformed", BAD_REQUEST, false, "This request can't be understood.";
    /// A value outside its limits.
    Invalid = "invalid", BAD_REQUEST, false, "A value is outside its limits.";
    /// A change without its nonce.
    NonceMissing = "nonce_missing", BAD_REQUEST, false, "A change needs an Idempotency-Key of 1 to 64 of A-Z a-z 0-9 _ -.";
    /// A place in a log that isn't there yet.
    RevFuture = "rev_future", BAD_REQUEST, false, "That place in the log isn't there yet.";
    /// Nobody is logged in.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, false, "Log in first.";
    /// No such name with this password.
    WrongCredentials = "wrong_credentials", UNAUTHORIZED, false, "The name or the password is wrong.";
    /// The access token ran out.
    TokenExpired = "token_expired", UNAUTHORIZED, false, "The access token has run out. Get a new one with the refresh token.";
    /// Seen, but not to be done.
    Forbidden = "forbidden", FORBIDDEN, false, "You may not do this here.";
    /// It may come from another site.
    CrossSite = "cross_site", FORBIDDEN, false, "This request doesn't seem to come from this site's own pages.";
    /// Nobody may register.
    RegistrationClosed = "registration_closed", FORBIDDEN, false, "Nobody can register here without an invitation.";
    /// A used or unknown invitation.
    InviteInvalid = "invite_invalid", FORBIDDEN, false, "This invitation has been used, has run out, or never was.";
    /// Not there, or not open to who asks.
    NotFound = "not_found", NOT_FOUND, false, "There is no such thing, or it isn't open to you.";
    /// Another account has the name.
    NameTaken = "name_taken", CONFLICT, false, "Somebody has this name already.";
    /// The nonce was used for another request.
    NonceReused = "nonce_reused", CONFLICT, false, "This nonce was used for another request.";
    /// The text was replaced since.
    StaleEdit = "stale_edit", CONFLICT, false, "Somebody changed this message before you.";
    /// The message was taken back.
    Deleted = "deleted", CONFLICT, false, "This message was deleted.";
    /// The last owner can't go.
    LastOwner = "last_owner", CONFLICT, false, "Make somebody else an owner of this room first.";
    /// As many as may be are in the call.
    CallFull = "call_full", CONFLICT, false, "This call is full: everyone in it is linked to everyone else, and no more links can be carried.";
    /// Another page of the same person has the place in the call.
    CallMoved = "call_moved", CONFLICT, false, "You are in this call on another device or page by now.";
    /// The call isn't going on any more.
    CallOver = "call_over", CONFLICT, false, "This call is over.";
    /// The socket has no place in that call.
    NotInCall = "not_in_call", CONFLICT, false, "You aren't in this call.";
    /// The one addressed isn't in the call.
    PeerGone = "peer_gone", CONFLICT, false, "They aren't in this call any more.";
    /// More bytes than are taken.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, false, "This is more than can be taken at once.";
    /// More than a person may keep.
    OverQuota = "over_quota", PAYLOAD_TOO_LARGE, false, "Your files take up all the room that you have here.";
    /// The upload stands elsewhere.
    WrongOffset = "wrong_offset", CONFLICT, false, "The upload doesn't stand there.";
    /// Somebody else is at it.
    Locked = "locked", LOCKED, true, "Another request adds to this upload.";
    /// Not a picture that can be shown.
    NotAPicture = "not_a_picture", UNPROCESSABLE_ENTITY, false, "This isn't a picture that can be shown: a JPEG, PNG, GIF or WebP of at most 50 megapixels.";
    /// Another version of the protocol.
    TusVersion = "tus_version", PRECONDITION_FAILED, false, "Uploads are spoken to with Tus-Resumable: 1.0.0.";
    /// A password that can be guessed.
    WeakPassword = "weak_password", UNPROCESSABLE_ENTITY, false, "This password is too easy to guess.";
    /// Not one emoji.
    NotAnEmoji = "not_an_emoji", UNPROCESSABLE_ENTITY, false, "That isn't an emoji.";
    /// A limit on how many is reached.
    TooMany = "too_many", UNPROCESSABLE_ENTITY, false, "There are too many already.";
    /// Too often.
    SlowDown = "slow_down", TOO_MANY_REQUESTS, true, "That was too often. Wait a moment.";
    /// Our own fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, false, "Something went wrong here.";
    /// The store is away, or something else that will pass.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, true, "This can't be done right now. Try again in a moment.";
    /// The disk is full.
    StorageFull = "storage_full", SERVICE_UNAVAILABLE, true, "There is no room left to store this. Tell whoever runs this server.";
}

/// What went wrong, and how it is told.
pub struct Error {
    code: Code,
    message: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

/// A capability's answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// With the code's own sentence.
    pub fn new(code: Code) -> Self {
        Self { code, message: code.sentence().into(), field: None, retry_after: None, cause: None }
    }

    /// With a sentence of its own.
    pub fn says(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..Self::new(code) }
    }

    /// A value outside its limits.
    pub fn invalid(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), ..Self::says(Code::Invalid, why) }
    }

    /// A request that can't be understood.
    pub fn malformed(why: impl Into<Cow<'static, str>>) -> Self {
        Self::says(Code::Malformed, why)
    }

    /// Too often; to be tried again after this time.
    pub fn slow_down(after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(Code::SlowDown) }
    }

    /// Somebody else is at it; to be tried again after this time.
    pub fn locked(after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(Code::Locked) }
    }

    /// Our own fault; the cause is for the log alone.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(Code::Internal).because(cause)
    }

    /// Something that will pass; the cause is for the log alone.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::new(Code::Unavailable).because(cause)
    }

    /// With what the log shall say about it.
    pub fn because(self, cause: impl Into<Cause>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// With the field at fault.
    pub fn at(self, field: &'static str) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Its stable name.
    pub fn code(&self) -> Code {
        self.code
    }

    /// A sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The field at fault.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Whether the same may be asked for again, with the same nonce.
    pub fn retry(&self) -> bool {
        self.code.retry()
    }

    /// When to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the log shall say about it.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotFound => Code::NotFound,
            Refusal::Forbidden | Refusal::JoinFirst => Code::Forbidden,
            Refusal::StaleEdit => Code::StaleEdit,
            Refusal::Deleted => Code::Deleted,
            Refusal::Empty => Code::Invalid,
            Refusal::LastOwner => Code::LastOwner,
            Refusal::TooMany => Code::TooMany,
            Refusal::NonceReused => Code::NonceReused,
        };
        Self::says(code, refusal.to_string())
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        let code = if invalid.field == "emoji" { Code::NotAnEmoji } else { Code::Invalid };
        Self::says(code, invalid.why).at(invalid.field)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Away(_) => Code::Unavailable,
            StoreError::Full(_) => Code::StorageFull,
            StoreError::Broken(_) => Code::Internal,
        };
        Self::new(code).because(error)
    }
}

impl From<LogError> for Error {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Refused(refusal) => refusal.into(),
            LogError::Unavailable(_) => Self::unavailable(error),
            LogError::Full(_) => Self::new(Code::StorageFull).because(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_codes_are_those_that_the_documentation_lists() {
        let documented: BTreeMap<String, BTreeSet<String>> = include_str!("../docs/api.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
            .filter(|(status, _)| status.parse::<u16>().is_ok())
            .map(|(status, codes)| {
                let names = codes.split('`').skip(1).step_by(2).map(str::to_owned);
                (status.to_owned(), names.filter(|name| name != "field" && name != "Retry-After").collect())
            })
            .collect();
        let mut ours = BTreeMap::<String, BTreeSet<String>>::new();
        for code in Code::ALL {
            ours.entry(code.status().as_str().to_owned()).or_default().insert(code.as_str().to_owned());
        }
        assert_eq!(ours, documented);
    }

    #[test]
    fn the_cause_is_not_part_of_what_is_told() {
        let error = Error::from(StoreError::Broken("/var/lib/secret".to_owned()));
        assert_eq!(error.code(), Code::Internal);
        assert!(!error.to_string().contains("secret") && !error.message().contains("secret"));
        assert!(format!("{error:?}").contains("secret"));
    }
}
