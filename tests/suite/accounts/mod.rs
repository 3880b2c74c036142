//! Who is who: registration, login, sessions, tokens; and the shell around all requests.

mod login;
mod registration;
mod sessions;
mod shell;
mod start;
mod tokens;
