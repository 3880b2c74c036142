//! What handlers take from a request, refused in the API's own words where it doesn't fit.

use std::{fmt, marker::PhantomData};

use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    error::{Code, Error},
    model::Nonce,
};

/// A body of JSON, or an answer of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(Object(value))) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(error)) => Err(unread(error)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Error::malformed("The body must be JSON, with Content-Type: application/json."))
            }
            Err(error) => Err(misread(&error)),
        }
    }
}

/// An object of JSON: an array would be taken for the fields in their order, as if they had been named.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Named(PhantomData))
    }
}

impl<T: Serialize> axum::response::IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self.0).into_response()
    }
}

/// A body that a form made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(FormRejection::BytesRejection(error)) => Err(unread(error)),
            Err(error) => Err(misread(&error)),
        }
    }
}

/// What comes after the question mark.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let value = axum::extract::Query::from_request_parts(parts, state).await;
        value.map(|value| Self(value.0)).map_err(|error: QueryRejection| misread(&error))
    }
}

/// Parts of the path. One that has the wrong form names nothing that is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let value = axum::extract::Path::from_request_parts(parts, state).await;
        value.map(|value| Self(value.0)).map_err(|error: PathRejection| {
            let ours = error.status() == StatusCode::INTERNAL_SERVER_ERROR;
            if ours { Error::internal(error) } else { Error::new(Code::NotFound).because(error) }
        })
    }
}

/// What makes a change safe to repeat: the header `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Nonce);

impl IdempotencyKey {
    fn of(parts: &Parts) -> Result<Option<Self>, Error> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(None) };
        // Of two, nobody knows which is meant.
        let only = Some(value).filter(|_| values.next().is_none());
        let nonce = only.and_then(|value| value.to_str().ok()?.parse().ok());
        nonce.map(|nonce| Some(Self(nonce))).ok_or_else(|| Error::new(Code::NonceMissing))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::of(parts)?.ok_or_else(|| Error::new(Code::NonceMissing))
    }
}

impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        Self::of(parts)
    }
}

/// A body that couldn't be read to its end.
pub(super) fn unread(error: BytesRejection) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::new(Code::TooLarge)
    } else {
        Error::malformed("The body broke off.").because(error)
    }
}

/// A text that isn't what was expected. What `serde` says names the field and the fault, in one line.
fn misread(error: &dyn std::error::Error) -> Error {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let why: String = innermost.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
    Error::malformed(format!("This request can't be understood: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        text: String,
        reply_to: Option<u64>,
    }

    #[test]
    fn a_body_is_an_object_and_its_fields_are_named() {
        let read = |text: &str| serde_json::from_str::<Object<Body>>(text).map(|object| object.0);
        assert_eq!(read(r#"{"text":"hi"}"#).ok(), Some(Body { text: "hi".to_owned(), reply_to: None }));
        for wrong in [r#"["hi",null]"#, "null", r#""hi""#, r#"{"text":1}"#, r#"{"text":"hi","more":1}"#, "{}"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
