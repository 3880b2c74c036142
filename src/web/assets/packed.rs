//! A file and its compressed forms, each made once.

use std::{borrow::Cow, io::Write as _};

use axum::http::{HeaderMap, HeaderValue, header};
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use mime_guess::{Mime, mime};
use tokio::sync::OnceCell;

/// How hard Brotli tries, of 11. The last two steps save seven percent; they take ten times as long, once a file and process,
/// but far longer in a build that isn't optimised.
const BROTLI: i32 = if cfg!(debug_assertions) { 5 } else { 11 };

/// A compression that browsers undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Brotli,
    Gzip,
}

impl Packing {
    /// As it is named in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Packing::Brotli => "br",
            Packing::Gzip => "gzip",
        }
    }

    /// The best that a request accepts.
    pub(super) fn wanted(asked: &HeaderMap) -> Option<Self> {
        let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<&str> = values.flat_map(|value| value.split(',')).filter_map(accepted).collect();
        [Packing::Brotli, Packing::Gzip].into_iter().find(|packing| accepted.contains(&packing.name()))
    }

    fn pack(self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut packed = Vec::with_capacity(plain.len() / 2);
        match self {
            Packing::Brotli => {
                let params =
                    BrotliEncoderParams { quality: BROTLI, size_hint: plain.len(), ..Default::default() };
                brotli::BrotliCompress(&mut &*plain, &mut packed, &params)?;
                Ok(packed)
            }
            Packing::Gzip => {
                let mut encoder = GzEncoder::new(packed, Compression::best());
                encoder.write_all(plain)?;
                encoder.finish()
            }
        }
    }
}

/// An encoding of the list, unless it is refused by `q=0`.
fn accepted(item: &str) -> Option<&str> {
    let (name, how) = item.split_once(';').unwrap_or((item, ""));
    let refused =
        how.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
    (!refused).then(|| name.trim())
}

/// A file.
pub(super) struct Asset {
    pub(super) kind: HeaderValue,
    text: bool,
    plain: Bytes,
    brotli: OnceCell<Option<Bytes>>,
    gzip: OnceCell<Option<Bytes>>,
}

impl Asset {
    pub(super) fn new(kind: &Mime, content: Cow<'static, [u8]>) -> Self {
        let plain = match content {
            Cow::Borrowed(content) => Bytes::from_static(content),
            Cow::Owned(content) => content.into(),
        };
        let text = kind.type_() == mime::TEXT || kind.suffix().is_some() || kind.subtype() == mime::JSON;
        let octets = || HeaderValue::from_static("application/octet-stream");
        let kind = HeaderValue::from_str(kind.as_ref()).unwrap_or_else(|_| octets());
        Self { kind, text, plain, brotli: OnceCell::new(), gzip: OnceCell::new() }
    }

    /// Whether compressing it is of use.
    pub(super) fn is_text(&self) -> bool {
        self.text
    }

    /// Its content as it goes out to somebody who accepts `packing`, and how that is packed.
    pub(super) async fn packed(&self, packing: Option<Packing>) -> (Option<Packing>, Bytes) {
        let Some(packing) = packing.filter(|_| self.text) else { return (None, self.plain.clone()) };
        let cell = match packing {
            Packing::Brotli => &self.brotli,
            Packing::Gzip => &self.gzip,
        };
        let packed = cell.get_or_init(|| async {
            let plain = self.plain.clone();
            let packed = tokio::task::spawn_blocking(move || packing.pack(&plain)).await;
            // What can't be packed goes out as it is.
            packed.ok()?.ok().map(Bytes::from).filter(|packed| packed.len() < self.plain.len())
        });
        match packed.await {
            Some(packed) => (Some(packing), packed.clone()),
            None => (None, self.plain.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(accept: &'static str) -> Option<Packing> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        Packing::wanted(&headers)
    }

    #[test]
    fn the_best_packing_that_is_accepted_is_taken() {
        assert_eq!(asking("gzip, deflate, br, zstd"), Some(Packing::Brotli));
        assert_eq!(asking("gzip;q=1.0, br;q=0"), Some(Packing::Gzip));
        assert_eq!(asking("br; q=0.000,gzip; q=0"), None);
        for none in ["", "identity", "deflate", "brotli", ";;", "q=1"] {
            assert_eq!(asking(none), None, "{none}");
        }
        assert_eq!(Packing::wanted(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn a_picture_isnt_packed_and_neither_is_what_would_grow() {
        let grows = Asset::new(&mime::TEXT_CSS, Cow::Borrowed(b"x"));
        let picture = Asset::new(&mime::IMAGE_PNG, Cow::Owned(vec![0; 9000]));
        let text = Asset::new(&mime::IMAGE_SVG, Cow::Owned(vec![b' '; 9000]));
        assert_eq!(grows.packed(Some(Packing::Gzip)).await.0, None);
        assert_eq!(picture.packed(Some(Packing::Brotli)).await, (None, vec![0; 9000].into()));
        for packing in [Packing::Brotli, Packing::Gzip] {
            let (how, body) = text.packed(Some(packing)).await;
            assert_eq!(how, Some(packing));
            assert!(body.len() < 100);
        }
    }
}
