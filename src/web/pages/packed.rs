//! Pages as browsers take them: compressed (gzip), what many share only once.
//!
//! A compressed stream may be put together from pieces: each is compressed without a look at those before it, and ends on a
//! whole byte. So what is shared is compressed when it is rendered, and a page costs only what is its reader's own.

use axum::http::{HeaderMap, header};
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// Header of a gzip stream (RFC 1952) that says nothing of a file, a time or a system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last piece with nothing in it.
const END: [u8; 2] = [3, 0];

/// Text as a piece of a compressed stream.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    sum: Hasher,
    length: usize,
}

/// Makes pieces.
pub(super) struct Packer(Compress);

impl Packer {
    /// For what many will get.
    pub(super) fn thorough() -> Self {
        Self(Compress::new(Compression::default(), false))
    }

    /// For what one will get, once.
    pub(super) fn quick() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }

    /// Packs a piece, with no look at those before.
    pub(super) fn pack(&mut self, text: &str) -> Packed {
        let mut bytes = Vec::with_capacity(text.len() / 3 + 64);
        let mut rest = text.as_bytes();
        loop {
            let before = self.0.total_in();
            bytes.reserve(rest.len() / 3 + 64);
            // It fails at nothing but a wrong order of calls, and more room lets it go on.
            let done = self.0.compress_vec(rest, &mut bytes, FlushCompress::Full);
            rest = &rest[(self.0.total_in() - before) as usize..];
            if done.is_err() || (rest.is_empty() && bytes.len() < bytes.capacity()) {
                break;
            }
        }
        let mut sum = Hasher::new();
        sum.update(text.as_bytes());
        Packed { bytes, sum, length: text.len() }
    }
}

/// A whole stream, piece by piece.
pub(super) struct Stream {
    bytes: Vec<u8>,
    sum: Hasher,
    length: usize,
}

impl Stream {
    /// One without pieces.
    pub(super) fn new() -> Self {
        Self { bytes: HEADER.to_vec(), sum: Hasher::new(), length: 0 }
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, piece: &Packed) {
        self.bytes.extend_from_slice(&piece.bytes);
        self.sum.combine(&piece.sum);
        self.length += piece.length;
    }

    /// All that a browser needs to read it.
    pub(super) fn end(self) -> Vec<u8> {
        let Self { mut bytes, sum, length } = self;
        bytes.extend(END);
        bytes.extend(sum.finalize().to_le_bytes());
        // As the format has it: the length's last 32 bits.
        bytes.extend((length as u32).to_le_bytes());
        bytes
    }
}

/// Whether who asks takes gzip.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts
            .any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0)));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gzip_is_wanted_by_who_names_it_and_does_not_refuse_it() {
        for (line, wanted) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, br", false),
            ("br", false),
            ("x-gzip", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(line))]);
            assert_eq!(is_wanted(&headers), wanted, "{line}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn pieces_are_read_as_one_text(
            before in "\\PC{0,300}", shared in "(<li class=\"message\">[a-z]{0,9}</li>\n){0,400}", after in any::<String>(),
        ) {
            let mut packer = Packer::quick();
            let mut stream = Stream::new();
            for piece in [packer.pack(&before), Packer::thorough().pack(&shared), packer.pack(&after)] {
                stream.push(&piece);
            }
            let stream = stream.end();
            let mut text = String::new();
            let read = flate2::read::GzDecoder::new(stream.as_slice()).read_to_string(&mut text);
            prop_assert!(read.is_ok(), "{read:?}");
            prop_assert_eq!(text, format!("{before}{shared}{after}"));
        }
    }
}
