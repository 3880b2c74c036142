//! Passwords: which are good enough, how they are kept, how they are checked.
//!
//! A hash takes tens of milliseconds and 19 MiB, so they run off the async threads, a few at a time, with a short
//! queue before them; who doesn't fit in is told to come again.

use std::{fmt, sync::Arc, time::Duration};

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;
use zxcvbn::{Score, zxcvbn};

use crate::error::{Code, Error, Result};

/// Letters of a generated password, of 5 bits each: none that is taken for another.
const GENERATED: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// The fewest characters of a new password.
const MIN: usize = 8;
/// The most characters of a password: far more than anyone remembers, and little to hash.
const MAX: usize = 256;
/// How many characters of a password are rated: the time that takes grows faster than the length.
const RATED: usize = 100;
/// What is compared with where there is nobody: of today's parameters, and of no password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Hashes that wait their turn, for each that may run: about two seconds' worth.
const QUEUE_EACH: usize = 32;
/// The most hashes that run at a time, whatever the machine: 19 MiB each.
const MAX_RUNNING: usize = 8;
/// When to come again who found the queue full.
const COME_AGAIN: Duration = Duration::from_secs(2);

/// A password as somebody typed it; never shown.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password that was typed into `field`.
    ///
    /// # Errors
    /// When it is empty, or too long to be one.
    pub fn typed(field: &'static str, text: String) -> Result<Self> {
        match text.chars().count() {
            0 => Err(Error::invalid(field, "This can't be empty.")),
            1..=MAX => Ok(Self(text)),
            _ => Err(Error::invalid(field, format!("At most {MAX} characters."))),
        }
    }
}

impl Password {
    /// One that nobody can guess: 100 random bits, in groups that can be read out. And how it is written.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn generated() -> Result<(Self, String)> {
        let mut bits = [0; GENERATED];
        getrandom::fill(&mut bits).map_err(Error::internal)?;
        let letters = bits.map(|bits| ALPHABET[usize::from(bits) % ALPHABET.len()]);
        let groups: Vec<String> =
            letters.chunks(5).map(|group| group.iter().copied().map(char::from).collect()).collect();
        let text = groups.join("-");
        Ok((Self(text.clone()), text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What came of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not the one.
    Wrong,
    /// The one.
    Right,
    /// The one, but hashed with other parameters than today's.
    Outdated,
}

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Passwords {
    /// With as many hashes at a time as the machine has cores.
    fn default() -> Self {
        let running = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_RUNNING);
        Self {
            running: Arc::new(Semaphore::new(running)),
            admitted: Arc::new(Semaphore::new(running * (1 + QUEUE_EACH))),
        }
    }
}

impl Passwords {
    /// The hash of a new password, in PHC form, if it is hard to guess, also for those who know `about` its owner.
    ///
    /// # Errors
    /// `weak_password` with the reason; `slow_down` when too many wait.
    pub async fn accept(
        &self,
        field: &'static str,
        password: Password,
        about: Vec<String>,
    ) -> Result<String> {
        self.run(move || rate(field, &password, &about).and_then(|()| hash(&password))).await?
    }

    /// Compares with a hash in PHC form. Without one it takes as long, and is wrong.
    ///
    /// # Errors
    /// `slow_down` when too many wait.
    pub async fn verify(&self, kept: Option<&str>, password: Password) -> Result<Verdict> {
        let somebody = kept.is_some();
        let kept = kept.unwrap_or(NOBODY).to_owned();
        let verdict = self.run(move || verify(&kept, &password)).await??;
        Ok(if somebody { verdict } else { Verdict::Wrong })
    }

    /// Today's hash of a password that is known to be right.
    pub(super) async fn again(&self, password: Password) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| Error::slow_down(COME_AGAIN))?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
        // Held by the work itself: who gives up waiting doesn't make room for another hash meanwhile.
        let work = move || {
            let _held = (admitted, running);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// OWASP's parameters, which are the crate's own: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::default()
}

fn hash(password: &Password) -> Result<String> {
    let hash: Result<PasswordHash, _> = argon2().hash_password(password.0.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|e| Error::internal(e.to_string()))
}

fn verify(kept: &str, password: &Password) -> Result<Verdict> {
    use argon2::password_hash::Error::PasswordInvalid;
    let kept = PasswordHash::new(kept).map_err(|e| Error::internal(e.to_string()))?;
    match argon2().verify_password(password.0.as_bytes(), &kept) {
        Ok(()) if is_of_today(&kept) => Ok(Verdict::Right),
        Ok(()) => Ok(Verdict::Outdated),
        Err(PasswordInvalid) => Ok(Verdict::Wrong),
        Err(e) => Err(Error::internal(e.to_string())),
    }
}

fn is_of_today(kept: &PasswordHash) -> bool {
    let today = Params::default();
    kept.algorithm.as_str() == "argon2id"
        && Params::try_from(kept).is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost())
                == (today.m_cost(), today.t_cost(), today.p_cost())
        })
}

fn rate(field: &'static str, password: &Password, about: &[String]) -> Result<()> {
    let weak = |why: String| Err(Error::says(Code::WeakPassword, why).at(field));
    if password.0.chars().count() < MIN {
        return weak(format!("A password needs at least {MIN} characters; a few unusual words are best."));
    }
    let rated: String = password.0.chars().take(RATED).collect();
    let about: Vec<&str> = about.iter().map(String::as_str).chain(["parlor"]).collect();
    let rating = zxcvbn(&rated, &about);
    if rating.score() >= Score::Three {
        return Ok(());
    }
    let warning =
        rating.feedback().and_then(|feedback| feedback.warning()).map(|warning| warning.to_string());
    let hint = rating.feedback().and_then(|feedback| feedback.suggestions().first()).map(ToString::to_string);
    let why = warning.unwrap_or_else(|| "This password is too easy to guess.".to_owned());
    weak(format!("{why} {}", hint.unwrap_or_else(|| "Add another word or two.".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(password: &str, about: &[&str]) -> Result<()> {
        let about: Vec<String> = about.iter().map(|&text| text.to_owned()).collect();
        rate("password", &Password(password.to_owned()), &about)
    }

    #[test]
    fn passwords_that_are_easy_to_guess_are_refused_with_a_reason() {
        for weak in ["short", "password1", "12345678", "aaaaaaaaaaaa", "qwertyuiop", "parlorparlor"] {
            let error = rated(weak, &[]).err();
            assert_eq!(error.as_ref().map(Error::code), Some(Code::WeakPassword), "{weak}");
            let message = error.map(|error| error.message().to_owned()).unwrap_or_default();
            assert!(message.ends_with('.') && message.len() > 20, "{weak}: {message}");
        }
        assert!(rated("marmalade-tuba-orbit", &[]).is_ok());
    }

    #[test]
    fn a_generated_password_is_good_enough_and_never_the_same() -> Result<()> {
        let (first, text) = Password::generated()?;
        assert_eq!(text.len(), GENERATED + 3);
        rate("password", &first, &[])?;
        assert_ne!(Password::generated()?.1, text);
        Ok(())
    }

    #[test]
    fn a_password_made_of_ones_own_name_is_weak() {
        assert!(rated("quorbinaxle", &[]).is_ok());
        assert!(rated("quorbinaxle", &["quorbinaxle"]).is_err());
    }

    #[test]
    fn a_password_of_any_length_is_rated_in_no_time() {
        let begun = std::time::Instant::now();
        let _ = rated(&"aB3$".repeat(MAX / 4), &[]);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(Password::typed("password", "x".repeat(MAX + 1)).is_err());
    }

    #[test]
    fn todays_parameters_are_those_that_owasp_recommends() -> Result<()> {
        let hash = hash(&Password("marmalade-tuba-orbit".to_owned()))?;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hash.len(), NOBODY.len(), "nobody's takes as long");
        assert_eq!(verify(NOBODY, &Password("marmalade-tuba-orbit".to_owned()))?, Verdict::Wrong);
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_known_as_outdated() -> Result<()> {
        let passwords = Passwords::default();
        let password = || Password("marmalade-tuba-orbit".to_owned());
        let weaker =
            Argon2::from(Params::new(8 * 1024, 1, 1, None).map_err(|e| Error::internal(e.to_string()))?);
        let old: PasswordHash =
            weaker.hash_password(password().0.as_bytes()).map_err(|e| Error::internal(e.to_string()))?;
        assert_eq!(passwords.verify(Some(&old.to_string()), password()).await?, Verdict::Outdated);
        let new = passwords.again(password()).await?;
        assert_eq!(passwords.verify(Some(&new), password()).await?, Verdict::Right);
        assert_eq!(passwords.verify(Some(&new), Password("marmalade".to_owned())).await?, Verdict::Wrong);
        assert_eq!(passwords.verify(None, password()).await?, Verdict::Wrong);
        Ok(())
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_to_come_again() -> Result<()> {
        let passwords = Passwords { admitted: Arc::new(Semaphore::new(0)), ..Passwords::default() };
        let refused = passwords.verify(None, Password("x".to_owned())).await.err();
        assert_eq!(refused.and_then(|error| error.retry_after()), Some(COME_AGAIN));
        Ok(())
    }
}
