//! Checks each setting, and says in one line what is wrong with it.

use std::{fmt, num::NonZeroU32, time::Duration};

use super::{Cluster, FileLimits, LogFormat, Networks, Registration, Secret, Settings, Wrong};

/// The fewest characters of a shared secret: as much as an HMAC-SHA256 key has bytes.
const MIN_SECRET: usize = 32;
/// The fewest characters of a token that opens the metrics: as random text, more than anybody can try.
const MIN_METRICS_TOKEN: usize = 16;

/// A setting's text; empty counts as not set.
pub(super) fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn wrong(name: &'static str, expected: impl Into<String>, found: impl fmt::Debug) -> Wrong {
    Wrong { name, expected: expected.into(), found: format!("{found:?}") }
}

pub(super) fn optional<T>(
    name: &'static str,
    value: &Option<String>,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    set(value).map(|text| parse(text).ok_or_else(|| wrong(name, expected, text))).transpose()
}

pub(super) fn parsed<T: std::str::FromStr>(
    name: &'static str,
    value: &Option<String>,
    usual: &str,
    expected: &str,
) -> Result<T, Wrong> {
    let text = set(value).unwrap_or(usual);
    text.parse().map_err(|_| wrong(name, expected, text))
}

pub(super) fn number(
    name: &'static str,
    value: &Option<String>,
    usual: u32,
    min: u32,
    max: u32,
) -> Result<NonZeroU32, Wrong> {
    let fits = |number: &NonZeroU32| (min..=max).contains(&number.get());
    match set(value) {
        None => NonZeroU32::new(usual).ok_or_else(|| wrong(name, "a number", usual)),
        Some(text) => text
            .parse()
            .ok()
            .filter(fits)
            .ok_or_else(|| wrong(name, format!("a whole number from {min} to {max}"), text)),
    }
}

pub(super) fn count(
    name: &'static str,
    value: &Option<String>,
    usual: u32,
    min: u32,
    max: u32,
) -> Result<usize, Wrong> {
    number(name, value, usual, min, max).map(|number| number.get() as usize)
}

pub(super) fn seconds(name: &'static str, value: &Option<String>, usual: u32) -> Result<Duration, Wrong> {
    number(name, value, usual, 1, 3_600).map(|number| Duration::from_secs(number.get().into()))
}

/// MiB, in bytes.
pub(super) fn mebibytes(name: &'static str, value: &Option<String>, usual: u32) -> Result<u64, Wrong> {
    number(name, value, usual, 1, u32::MAX).map(|number| u64::from(number.get()) << 20)
}

pub(super) fn files(settings: &Settings) -> Result<FileLimits, Wrong> {
    let server = match set(&settings.max_files) {
        Some(_) => Some(mebibytes("PARLOR_MAX_FILES", &settings.max_files, 1)?),
        None => None,
    };
    let kept = number("PARLOR_UPLOAD_KEPT", &settings.upload_kept, 86_400, 1, 31_536_000)?;
    Ok(FileLimits {
        file: mebibytes("PARLOR_MAX_FILE", &settings.max_file, 4_096)?,
        person: mebibytes("PARLOR_MAX_FILES_PER_PERSON", &settings.max_files_per_person, 20_480)?,
        server,
        kept: Duration::from_secs(kept.get().into()),
    })
}

pub(super) fn name(value: &Option<String>) -> Result<String, Wrong> {
    let text = set(value).unwrap_or("Parlor");
    let fits = text.chars().count() <= 60 && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| wrong("PARLOR_NAME", "at most 60 characters on one line", text))
}

pub(super) fn registration(text: &str) -> Option<Registration> {
    match text {
        "open" => Some(Registration::Open),
        "link" => Some(Registration::Link),
        "closed" => Some(Registration::Closed),
        _ => None,
    }
}

pub(super) fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

pub(super) fn log(value: &Option<String>) -> Result<String, Wrong> {
    let text = set(value).unwrap_or("info");
    let good = tracing_subscriber::EnvFilter::try_new(text).is_ok();
    let expected = "error, warn, info, debug, trace, or directives such as info,parlor::log=debug";
    good.then(|| text.to_owned()).ok_or_else(|| wrong("PARLOR_LOG", expected, text))
}

pub(super) fn trusted_proxies(value: &Option<String>) -> Result<Networks, Wrong> {
    let expected = "addresses and networks with commas between, such as 10.0.0.0/8,192.0.2.7";
    Networks::parse(set(value).unwrap_or_default())
        .map_err(|part| wrong("PARLOR_TRUSTED_PROXIES", expected, part))
}

/// Both addresses or neither. What is found isn't told: it may hold a password.
pub(super) fn cluster(settings: &Settings) -> Result<Option<Cluster>, Wrong> {
    let url = |name, value: &Option<String>, schemes: [&str; 2]| {
        let Some(text) = set(value) else { return Ok(None) };
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"));
        let expected = format!("a URL that begins with {}:// or {}://", schemes[0], schemes[1]);
        let found = text.split_once("://").map_or("a text without ://", |(scheme, _)| scheme);
        match rest {
            Some(rest) if !rest.is_empty() => Ok(Some(Secret(text.to_owned()))),
            _ => Err(wrong(name, expected, found)),
        }
    };
    let mongodb_url = url("PARLOR_MONGODB_URL", &settings.mongodb_url, ["mongodb", "mongodb+srv"])?;
    let redis_url = url("PARLOR_REDIS_URL", &settings.redis_url, ["redis", "rediss"])?;
    let missing = |name, other| Wrong {
        name,
        expected: format!("a URL, since {other} is set: a cluster needs both, a single node neither"),
        found: "nothing".to_owned(),
    };
    match (mongodb_url, redis_url) {
        (None, None) => Ok(None),
        (Some(mongodb_url), Some(redis_url)) => Ok(Some(Cluster { mongodb_url, redis_url })),
        (None, Some(_)) => Err(missing("PARLOR_MONGODB_URL", "PARLOR_REDIS_URL")),
        (Some(_), None) => Err(missing("PARLOR_REDIS_URL", "PARLOR_MONGODB_URL")),
    }
}

/// Never told is what was found, only how long it is.
pub(super) fn metrics_token(value: &Option<String>) -> Result<Option<Secret>, Wrong> {
    let Some(text) = set(value) else { return Ok(None) };
    let length = text.chars().count();
    if length < MIN_METRICS_TOKEN || !text.chars().all(|c| c.is_ascii_graphic()) {
        let expected = format!("{MIN_METRICS_TOKEN} ASCII characters or more, without spaces");
        return Err(Wrong {
            name: "PARLOR_METRICS_TOKEN",
            expected,
            found: format!("one of {length} characters"),
        });
    }
    Ok(Some(Secret(text.to_owned())))
}

/// Never told is what was found, only how long it is.
pub(super) fn secrets(value: &Option<String>, required: bool) -> Result<Vec<Secret>, Wrong> {
    let texts: Vec<&str> =
        set(value).map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default();
    let expected = format!("{MIN_SECRET} characters or more, the same on all nodes");
    let wrong = |found: String| Err(Wrong { name: "PARLOR_SECRET", expected: expected.clone(), found });
    match texts.iter().map(|text| text.chars().count()).find(|length| *length < MIN_SECRET) {
        Some(length) => wrong(format!("one of {length} characters")),
        None if texts.is_empty() && required => wrong("nothing".to_owned()),
        None => Ok(texts.into_iter().map(|text| Secret(text.to_owned())).collect()),
    }
}
