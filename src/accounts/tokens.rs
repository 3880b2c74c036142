//! What a program shows: access tokens (JWT, for minutes) and refresh tokens (for weeks, good once).
//!
//! A refresh token is `session ‖ random ‖ n ‖ MAC`. The MAC tells our old ones from inventions: an old one seen again
//! was stolen, or its successor was. The successor follows from the token (the same random, n + 1), so that who
//! repeats a request whose answer got lost is given the very same one.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::keys::{Key, Keys};
use crate::{
    config::PublicUrl,
    error::{Code, Error, Result},
    model::{SessionId, Timestamp, UserId},
};

/// How long an access token is good.
pub const ACCESS: Duration = Duration::from_secs(15 * 60);
/// How far the clocks of two nodes may differ.
const LEEWAY: Duration = Duration::from_secs(5);
/// How many access tokens are known again.
const KNOWN: u64 = 10_000;
/// What a refresh token's MAC is for.
const REFRESH: &str = "parlor refresh token";
/// Bytes of a refresh token: session, random, n, MAC.
const LENGTH: usize = 16 + 16 + 4 + 32;

/// What an access token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// A valid access token's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub user: UserId,
    /// Of which session.
    pub session: SessionId,
    /// Until when.
    pub until: Timestamp,
}

/// What an access token says that we signed, whenever that was.
#[derive(Debug, Clone, Copy)]
struct Signed {
    access: Access,
    from: Timestamp,
}

/// Makes and checks tokens.
#[derive(Debug)]
pub struct Tokens {
    keys: Keys,
    issuer: String,
    audience: String,
    /// What every access token has to fulfil.
    rules: Validation,
    /// Tokens that were read lately, by their SHA-256: a program shows the same one with every request.
    known: Cache<[u8; 32], Signed>,
}

impl Tokens {
    /// Of the server at this URL.
    pub fn new(keys: Keys, url: &PublicUrl) -> Self {
        let (issuer, audience) = (url.origin().to_owned(), url.link("/api"));
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        rules.set_issuer(&[&issuer]);
        rules.set_audience(&[&audience]);
        // Checked after that, by the clock that the caller goes by.
        rules.validate_exp = false;
        let known = Cache::builder().max_capacity(KNOWN).time_to_live(ACCESS).build();
        Self { keys, issuer, audience, rules, known }
    }

    /// An access token, good for [`ACCESS`] from `now`.
    ///
    /// # Errors
    /// When it can't be signed.
    pub fn access(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<String> {
        let key = self.keys.first();
        let iat = now.0.div_euclid(1000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user,
            sid: session,
            iat,
            exp: iat + ACCESS.as_secs().cast_signed(),
        };
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &EncodingKey::from_secret(key.bytes())).map_err(Error::internal)
    }

    /// Checks an access token: algorithm, key, signature, issuer, audience, times. Whether its session is still there is for
    /// the caller to check.
    ///
    /// # Errors
    /// `token_expired` when that alone is wrong, else `unauthenticated`.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Access> {
        let name = Sha256::digest(token).into();
        let known = self.known.get(&name);
        let signed = match known {
            Some(signed) => signed,
            None => self.read(token)?,
        };
        let Signed { access, from } = signed;
        if now >= access.until.plus(LEEWAY) {
            return Err(Error::new(Code::TokenExpired));
        }
        if from > now.plus(LEEWAY) || access.until > from.plus(ACCESS) {
            return Err(wrong());
        }
        if known.is_none() {
            self.known.insert(name, signed);
        }
        Ok(access)
    }

    /// Checks all but the times.
    fn read(&self, token: &str) -> Result<Signed> {
        let header = decode_header(token).map_err(|e| wrong().because(e))?;
        let key = header.kid.as_deref().and_then(|kid| self.keys.named(kid)).ok_or_else(wrong)?;
        let claims = decode::<Claims>(token, &DecodingKey::from_secret(key.bytes()), &self.rules);
        let claims = claims.map_err(|e| wrong().because(e))?.claims;
        let until = Timestamp(claims.exp.saturating_mul(1000));
        let from = Timestamp(claims.iat.saturating_mul(1000));
        Ok(Signed { access: Access { user: claims.sub, session: claims.sid, until }, from })
    }

    /// The first refresh token of a session.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn first_refresh(&self, session: SessionId) -> Result<Refresh> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(Error::internal)?;
        Ok(Refresh::made(self.keys.first(), session, random, 0))
    }

    /// The refresh token that this text is, if it is one that we made.
    pub(super) fn parse_refresh(&self, text: &str) -> Option<Refresh> {
        let bytes: [u8; LENGTH] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (body, tag) = bytes.split_at(LENGTH - 32);
        self.keys.all().find(|key| key.has_made(tag, REFRESH, &[body]))?;
        Some(Refresh { bytes })
    }

    /// What may follow this refresh token, by each key there is: what we would make now first.
    pub(super) fn successors(&self, of: &Refresh) -> impl Iterator<Item = Refresh> {
        let (session, random, n) = of.parts();
        self.keys.all().map(move |key| Refresh::made(key, session, random, n.wrapping_add(1)))
    }
}

fn wrong() -> Error {
    Error::says(Code::Unauthenticated, "This access token isn't good here.")
}

/// A refresh token that we made.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Refresh {
    bytes: [u8; LENGTH],
}

impl Refresh {
    fn made(key: &Key, session: SessionId, random: [u8; 16], n: u32) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(session.as_bytes());
        bytes[16..32].copy_from_slice(&random);
        bytes[32..36].copy_from_slice(&n.to_be_bytes());
        let tag = key.mac(REFRESH, &[&bytes[..36]]);
        bytes[36..].copy_from_slice(&tag);
        Self { bytes }
    }

    fn parts(&self) -> (SessionId, [u8; 16], u32) {
        let (mut random, mut n) = ([0; 16], [0; 4]);
        random.copy_from_slice(&self.bytes[16..32]);
        n.copy_from_slice(&self.bytes[32..36]);
        (self.session(), random, u32::from_be_bytes(n))
    }

    /// The session that it is of.
    pub(super) fn session(&self) -> SessionId {
        let mut session = [0; 16];
        session.copy_from_slice(&self.bytes[..16]);
        SessionId::from_bytes(session)
    }

    /// As it is kept.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text()).into()
    }

    /// As it is handed out.
    pub(super) fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes)
    }
}

#[cfg(test)]
mod tests;
