//! `GET /files/…` and `GET /pictures/…`: what was uploaded, to who may have it, so that nothing of it runs.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{Caller, Path};
use crate::{
    app::App,
    error::{Code, Error, Result},
    files::storage::Spot,
    model::{FileId, FileKind, StoredFile},
};

/// Whatever it is, it gets no script, no form, no frame, no origin of ours.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'none'; sandbox";
/// Asked about each time, since who may have it changes.
const ASKED: &str = "private, no-cache";
/// An id of a picture is never used again.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

pub(super) fn router() -> Router<App> {
    Router::new().route("/files/{name}", get(file)).route("/pictures/{name}", get(picture))
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Form<'a> {
    /// All of it; the address ends with this.
    Whole(&'a str),
    /// The smaller copy for this side.
    Thumb(u32),
}

/// `<id>.<ending>` or `<id>-<side>.webp`.
fn asked(name: &str) -> Option<(FileId, Form<'_>)> {
    /// Characters of an id.
    const ID: usize = 36;
    let (id, rest) = name.split_at_checked(ID)?;
    let form = match rest.strip_prefix('.') {
        Some(ending) => Form::Whole(ending),
        None => Form::Thumb(rest.strip_prefix('-')?.strip_suffix(".webp")?.parse().ok()?),
    };
    Some((id.parse().ok()?, form))
}

async fn file(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let nothing = || Error::new(Code::NotFound);
    let (id, form) = asked(&name).ok_or_else(nothing)?;
    let file = app.files.readable(caller.user, id).await?;
    let sent = match form {
        Form::Whole(ending) if ending == file.about.ending => whole(&file),
        Form::Thumb(side) if file.about.thumbs.iter().any(|thumb| thumb.side == side) => {
            thumb(&app, &file, side).await?
        }
        _ => return Err(nothing()),
    };
    send(&app, sent, &headers).await
}

/// What goes out.
struct Sent {
    spot: Spot,
    size: u64,
    mime: String,
    etag: String,
    disposition: Option<String>,
    keep: &'static str,
}

fn whole(file: &StoredFile) -> Sent {
    let about = &file.about;
    let how = if about.kind.is_shown() { "inline" } else { "attachment" };
    let charset = if about.kind == FileKind::Text { "; charset=utf-8" } else { "" };
    Sent {
        spot: Spot::Content(file.place.clone()),
        size: about.size,
        mime: format!("{}{charset}", about.mime),
        etag: format!("\"{}\"", file.place.hash),
        disposition: Some(disposition(how, about.name.as_str())),
        keep: ASKED,
    }
}

async fn thumb(app: &App, file: &StoredFile, side: u32) -> Result<Sent> {
    let spot = Spot::Thumb(file.place.clone(), side);
    let size = app.files.size(&spot).await?;
    let etag = format!("\"{}-{side}\"", file.place.hash);
    Ok(Sent { spot, size, mime: "image/webp".to_owned(), etag, disposition: None, keep: ASKED })
}

async fn picture(
    State(app): State<App>,
    _: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let spot = name.parse().ok().filter(|spot| matches!(spot, Spot::Picture(..)));
    let spot: Spot = spot.ok_or_else(|| Error::new(Code::NotFound))?;
    let (size, etag) = (app.files.size(&spot).await?, format!("\"{spot}\""));
    let sent = Sent { spot, size, mime: "image/webp".to_owned(), etag, disposition: None, keep: FOR_EVER };
    send(&app, sent, &headers).await
}

async fn send(app: &App, sent: Sent, headers: &HeaderMap) -> Result<Response> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut answer = Response::new(Body::empty());
    let told = answer.headers_mut();
    let mut tell = |name: HeaderName, value: &str| -> Result<()> {
        told.insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
        Ok(())
    };
    tell(header::ETAG, &sent.etag)?;
    tell(header::CACHE_CONTROL, sent.keep)?;
    tell(header::CONTENT_SECURITY_POLICY, POLICY)?;
    if text(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &sent.etag)) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(answer);
    }
    tell(header::ACCEPT_RANGES, "bytes")?;
    tell(header::CONTENT_TYPE, &sent.mime)?;
    if let Some(disposition) = &sent.disposition {
        tell(header::CONTENT_DISPOSITION, disposition)?;
    }
    // A range of what it was before is no use.
    let same = text(header::IF_RANGE).is_none_or(|known| known == sent.etag);
    let wanted =
        text(header::RANGE).filter(|_| same).map_or(Range::Whole, |range| Range::read(range, sent.size));
    let (from, length) = match wanted {
        Range::Whole => (0, sent.size),
        Range::Part { from, to } => {
            tell(header::CONTENT_RANGE, &format!("bytes {from}-{to}/{}", sent.size))?;
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            (from, to - from + 1)
        }
        Range::Beyond => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", sent.size))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    *answer.body_mut() = Body::from_stream(app.files.read(&sent.spot, from, length).await?);
    Ok(answer)
}

/// Whether a list of entity tags has this one.
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

/// Which bytes are wanted.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// All: no range, several of them, or something else.
    Whole,
    /// From one to another, both included.
    Part { from: u64, to: u64 },
    /// Some that aren't there.
    Beyond,
}

impl Range {
    fn read(range: &str, size: u64) -> Self {
        let read = || {
            let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
            let (from, to) = (from.trim(), to.trim());
            let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let number = |text: &str| Some(text.parse::<u64>().unwrap_or(u64::MAX));
            Some(match (from, to) {
                _ if !digits(from) || !digits(to) => return None,
                ("", "") => return None,
                ("", last) => (
                    size.saturating_sub(number(last)?),
                    number(last)?.min(size).checked_sub(1).map(|_| size - 1),
                ),
                (from, "") => (number(from)?, size.checked_sub(1)),
                (from, to) if number(from)? > number(to)? => return None,
                (from, to) => {
                    (number(from)?, size.checked_sub(1).map(|last| number(to).unwrap_or(last).min(last)))
                }
            })
        };
        match read() {
            None => Range::Whole,
            Some((from, Some(to))) if from <= to => Range::Part { from, to },
            Some(_) => Range::Beyond,
        }
    }
}

/// How a file is to be taken, and what it is called: in ASCII for old browsers, and as it is (RFC 6266, RFC 8187).
fn disposition(how: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let mut exact = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            exact.push(char::from(byte));
        } else {
            exact.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::file::FileName;

    #[test]
    fn a_range_is_a_part_all_or_none_of_it() {
        let part = |from, to| Range::Part { from, to };
        for (range, size, found) in [
            ("bytes=0-0", 10, part(0, 0)),
            ("bytes=2-5", 10, part(2, 5)),
            ("bytes=2-", 10, part(2, 9)),
            ("bytes=-3", 10, part(7, 9)),
            ("bytes=-30", 10, part(0, 9)),
            ("bytes=5-99", 10, part(5, 9)),
            ("bytes=10-", 10, Range::Beyond),
            ("bytes=-0", 10, Range::Beyond),
            ("bytes=0-", 0, Range::Beyond),
            ("bytes=-1", 0, Range::Beyond),
            ("bytes=99999999999999999999-", 10, Range::Beyond),
            ("bytes=5-2", 10, Range::Whole),
            ("bytes=0-1,4-5", 10, Range::Whole),
            ("bytes=-", 10, Range::Whole),
            ("bytes=a-b", 10, Range::Whole),
            ("lines=1-2", 10, Range::Whole),
        ] {
            assert_eq!(Range::read(range, size), found, "{range} of {size}");
        }
    }

    #[test]
    fn a_name_is_told_twice() {
        assert_eq!(
            disposition("inline", "a b.txt"),
            "inline; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"
        );
        assert_eq!(
            disposition("attachment", "nä\"me.txt"),
            "attachment; filename=\"n__me.txt\"; filename*=UTF-8''n%C3%A4%22me.txt"
        );
    }

    #[test]
    fn an_address_names_a_file_and_its_form() {
        let id = FileId::new();
        assert_eq!(asked(&format!("{id}.jpg")), Some((id, Form::Whole("jpg"))));
        assert_eq!(asked(&format!("{id}-480.webp")), Some((id, Form::Thumb(480))));
        for wrong in
            ["", "x", &id.to_string(), &format!("{id}-480.png"), &format!("{id}x"), "../../etc/passwd"]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_range_reaches_beyond(range in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in any::<u64>()) {
            if let Range::Part { from, to } = Range::read(&range, size) {
                prop_assert!(from <= to && to < size);
            }
        }

        #[test]
        fn any_name_makes_a_header(name in any::<String>()) {
            let text = disposition("attachment", FileName::clean(&name).as_str());
            prop_assert!(HeaderValue::from_str(&text).is_ok() && text.is_ascii());
            prop_assert_eq!(text.matches('"').count(), 2);
        }
    }
}
