//! Why sockets are closed.

/// Why a socket is to be closed, with the codes of `docs/protocol.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The server stops.
    Restart,
    /// The session ended.
    SessionEnded,
    /// The reader can't keep up.
    TooSlow,
    /// The access token ran out.
    TokenExpired,
    /// Nothing was heard for too long.
    Silent,
    /// A frame was too large.
    TooLarge,
    /// A text frame wasn't UTF-8.
    NotText,
    /// The server can't serve now.
    TryAgain,
}

impl Close {
    /// The close code, and the reason that goes with it.
    pub(super) fn code(self) -> (u16, &'static str) {
        match self {
            Close::Restart => (1012, "restart"),
            Close::NotText => (1007, "not UTF-8"),
            Close::TooLarge => (1009, "frame too large"),
            Close::TryAgain => (1013, "try again later"),
            Close::SessionEnded => (4001, "session ended"),
            Close::TooSlow => (4002, "too slow"),
            Close::TokenExpired => (4003, "token expired"),
            Close::Silent => (4004, "nothing heard"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_is_documented() {
        let closes = [
            Close::Restart,
            Close::SessionEnded,
            Close::TooSlow,
            Close::TokenExpired,
            Close::Silent,
            Close::TooLarge,
            Close::NotText,
            Close::TryAgain,
        ];
        let (_, table) =
            include_str!("../../docs/protocol.md").split_once("\n## Closing\n").unwrap_or_default();
        let mut codes = table.lines().filter_map(|line| line.split('|').nth(1));
        for close in closes {
            let code = close.code().0.to_string();
            assert!(codes.clone().any(|codes| codes.contains(&code)), "{close:?}");
        }
        assert!(codes.next().is_some());
    }
}
