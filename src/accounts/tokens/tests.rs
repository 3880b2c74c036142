use serde_json::{Value, json};

use super::*;
use crate::config::{Config, Settings};

type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

fn keys(secrets: &str) -> std::result::Result<Keys, Box<dyn std::error::Error>> {
    let settings = Settings { secret: Some(secrets.to_owned()), ..Settings::default() };
    Ok(Keys::derived(&Config::new(&settings)?.secrets).ok_or("keys")?)
}

fn tokens(secrets: &str) -> std::result::Result<Tokens, Box<dyn std::error::Error>> {
    let url = PublicUrl::parse("https://chat.example").ok_or("a URL")?;
    Ok(Tokens::new(keys(secrets)?, &url))
}

const OLD: &str = "oooooooooooooooooooooooooooooooo";
const NEW: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

/// A token whose parts are these, signed with a server's own key.
fn forged(tokens: &Tokens, header: Value, claims: &Value, algorithm: Algorithm) -> String {
    let encoded = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encoded(&header), encoded(claims));
    let key = EncodingKey::from_secret(tokens.keys.first().bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap_or_default();
    format!("{message}.{signature}")
}

fn good_claims(now: Timestamp) -> Value {
    let iat = now.0 / 1000;
    json!({
        "iss": "https://chat.example", "aud": "https://chat.example/api",
        "sub": UserId::new(), "sid": SessionId::new(), "iat": iat, "exp": iat + 900,
    })
}

fn code(result: Result<Access>) -> Option<Code> {
    result.err().map(|error| error.code())
}

#[test]
fn an_access_token_is_good_for_fifteen_minutes() -> Tested {
    let tokens = tokens(OLD)?;
    let (user, session, now) = (UserId::new(), SessionId::new(), Timestamp(1_790_000_000_123));
    let token = tokens.access(user, session, now)?;
    let access = tokens.check(&token, now)?;
    assert_eq!((access.user, access.session, access.until), (user, session, Timestamp(1_790_000_900_000)));
    assert!(tokens.check(&token, access.until.minus(Duration::from_millis(1))).is_ok());
    assert_eq!(code(tokens.check(&token, access.until.plus(LEEWAY))), Some(Code::TokenExpired));
    assert_eq!(code(tokens.check(&token, now.minus(Duration::from_secs(60)))), Some(Code::Unauthenticated));
    Ok(())
}

#[test]
fn that_a_token_was_good_says_nothing_of_one_that_differs() -> Tested {
    let tokens = tokens(OLD)?;
    let now = Timestamp::now();
    let token = tokens.access(UserId::new(), SessionId::new(), now)?;
    tokens.check(&token, now)?;
    for at in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other)?;
        // The last letter of a part has bits that say nothing.
        let spare = token[at + 1..].chars().next().is_none_or(|next| next == '.');
        assert!(spare || tokens.check(&other, now).is_err(), "{at}");
    }
    assert!(tokens.check(&format!("{token} "), now).is_err());
    assert!(tokens.check(&token, now).is_ok());
    Ok(())
}

#[test]
fn only_our_algorithm_and_key_are_taken() -> Tested {
    let tokens = tokens(OLD)?;
    let now = Timestamp::now();
    let kid = tokens.keys.first().id().to_owned();
    let claims = good_claims(now);
    let check = |token: &str| code(tokens.check(token, now));
    let of = |header: Value, algorithm| forged(&tokens, header, &claims, algorithm);

    assert_eq!(check(&of(json!({"alg": "HS256", "typ": "JWT", "kid": kid}), Algorithm::HS256)), None);

    let refused = [
        of(json!({"alg": "HS384", "kid": kid}), Algorithm::HS384),
        of(json!({"alg": "HS512", "kid": kid}), Algorithm::HS512),
        of(json!({"alg": "none", "kid": kid}), Algorithm::HS256),
        of(json!({"alg": "RS256", "kid": kid}), Algorithm::HS256),
        of(json!({"alg": "HS256"}), Algorithm::HS256),
        of(json!({"alg": "HS256", "kid": "other"}), Algorithm::HS256),
        of(json!({"alg": "HS256", "kid": "../../dev/null"}), Algorithm::HS256),
        String::new(),
        "a.b.c".to_owned(),
    ];
    for token in refused {
        assert_eq!(check(&token), Some(Code::Unauthenticated), "{token}");
    }
    let whole = of(json!({"alg": "HS256", "kid": kid}), Algorithm::HS256);
    let unsigned = whole.rsplit_once('.').map(|(message, _)| format!("{message}.")).unwrap_or_default();
    assert_eq!(check(&unsigned), Some(Code::Unauthenticated));
    Ok(())
}

#[test]
fn every_claim_is_checked() -> Tested {
    let tokens = tokens(OLD)?;
    let now = Timestamp::now();
    let header = json!({"alg": "HS256", "kid": tokens.keys.first().id()});
    let check =
        |claims: &Value| code(tokens.check(&forged(&tokens, header.clone(), claims, Algorithm::HS256), now));
    let iat = now.0 / 1000;
    let wrong = [
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://chat.example")),
        ("aud", json!([])),
        ("sub", json!("ann")),
        ("sid", json!(7)),
        ("exp", json!("soon")),
        ("exp", json!(iat + 3_600)),
        ("exp", json!(i64::MAX)),
        ("iat", json!(iat + 60)),
    ];
    for (claim, value) in wrong {
        let mut claims = good_claims(now);
        claims[claim] = value.clone();
        assert_eq!(check(&claims), Some(Code::Unauthenticated), "{claim}: {value}");
    }
    for claim in ["iss", "aud", "sub", "sid", "iat", "exp"] {
        let mut claims = good_claims(now);
        claims.as_object_mut().and_then(|claims| claims.remove(claim));
        assert_eq!(check(&claims), Some(Code::Unauthenticated), "without {claim}");
    }
    Ok(())
}

#[test]
fn keys_can_be_exchanged_without_logging_anyone_out() -> Tested {
    let (old, both, new) = (tokens(OLD)?, tokens(&format!("{NEW},{OLD}"))?, tokens(NEW)?);
    let (user, session, now) = (UserId::new(), SessionId::new(), Timestamp::now());
    let before = old.access(user, session, now)?;
    let after = both.access(user, session, now)?;
    assert!(
        both.check(&before, now).is_ok() && both.check(&after, now).is_ok() && new.check(&after, now).is_ok()
    );
    assert_eq!(code(new.check(&before, now)), Some(Code::Unauthenticated));

    let refresh = old.first_refresh(session)?;
    assert!(both.parse_refresh(&refresh.text()).is_some());
    assert!(new.parse_refresh(&refresh.text()).is_none());
    let under_old = old.successors(&refresh).next().ok_or("a successor")?;
    assert!(both.successors(&refresh).any(|next| next.hash() == under_old.hash()));
    Ok(())
}

#[test]
fn a_refresh_token_that_we_never_made_is_not_taken() -> Tested {
    let tokens = tokens(OLD)?;
    let session = SessionId::new();
    let refresh = tokens.first_refresh(session)?;
    assert_eq!(tokens.parse_refresh(&refresh.text()).map(|refresh| refresh.session()), Some(session));
    let mut bytes = refresh.bytes;
    bytes[35] ^= 1;
    assert!(tokens.parse_refresh(&BASE64_URL_SAFE_NO_PAD.encode(bytes)).is_none());
    assert!(tokens.parse_refresh(&refresh.text()[1..]).is_none());
    assert!(tokens.parse_refresh("").is_none());
    let access = tokens.access(UserId::new(), session, Timestamp::now())?;
    assert!(tokens.parse_refresh(&access).is_none());
    Ok(())
}
