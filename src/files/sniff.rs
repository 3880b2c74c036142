//! What a file is, by its first bytes. What its uploader or its name say decides nothing, but for whether a form that
//! holds films and sounds alike holds a sound.

use crate::model::{FileKind, file::Said};

/// How many of a file's first bytes are looked at.
pub(super) const HEAD: usize = 8 * 1024;

/// What a file seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sniffed {
    /// How it is shown; an image only if it can be decoded, too.
    pub(super) kind: FileKind,
    /// Its media type.
    pub(super) mime: &'static str,
    /// What its address ends with; none where its name may say.
    pub(super) ending: Option<&'static str>,
}

impl Sniffed {
    /// Bytes that mean nothing to us.
    pub(super) const NOTHING: Self =
        Self { kind: FileKind::Other, mime: "application/octet-stream", ending: None };
}

const fn shown(kind: FileKind, mime: &'static str, ending: &'static str) -> Sniffed {
    Sniffed { kind, mime, ending: Some(ending) }
}

const TEXT: Sniffed = Sniffed { kind: FileKind::Text, mime: "text/plain", ending: None };

/// What a file with these first bytes is.
pub(super) fn sniff(head: &[u8], said: &Said) -> Sniffed {
    let sound = said.sound || said.voice.is_some();
    let found = infer::get(head).map(|found| found.mime_type());
    let sniffed = match found.unwrap_or_default() {
        "image/jpeg" => shown(FileKind::Image, "image/jpeg", "jpg"),
        "image/png" => shown(FileKind::Image, "image/png", "png"),
        "image/gif" => shown(FileKind::Image, "image/gif", "gif"),
        "image/webp" => shown(FileKind::Image, "image/webp", "webp"),
        "video/webm" if sound => shown(FileKind::Audio, "audio/webm", "weba"),
        "video/webm" => shown(FileKind::Video, "video/webm", "webm"),
        "video/mp4" | "video/x-m4v" if sound => shown(FileKind::Audio, "audio/mp4", "m4a"),
        "video/mp4" | "video/x-m4v" => shown(FileKind::Video, "video/mp4", "mp4"),
        "video/quicktime" => shown(FileKind::Video, "video/quicktime", "mov"),
        "audio/m4a" => shown(FileKind::Audio, "audio/mp4", "m4a"),
        "audio/mpeg" => shown(FileKind::Audio, "audio/mpeg", "mp3"),
        "audio/ogg" | "audio/opus" => shown(FileKind::Audio, "audio/ogg", "ogg"),
        "audio/x-wav" => shown(FileKind::Audio, "audio/wav", "wav"),
        "audio/x-flac" => shown(FileKind::Audio, "audio/flac", "flac"),
        "audio/aac" => shown(FileKind::Audio, "audio/aac", "aac"),
        "application/pdf" => shown(FileKind::Pdf, "application/pdf", "pdf"),
        "application/zip" => shown(FileKind::Archive, "application/zip", "zip"),
        "application/gzip" => Sniffed { kind: FileKind::Archive, mime: "application/gzip", ending: None },
        "application/x-tar"
        | "application/x-7z-compressed"
        | "application/vnd.rar"
        | "application/x-rar-compressed"
        | "application/x-bzip2"
        | "application/x-xz"
        | "application/zstd" => Sniffed { kind: FileKind::Archive, ..Sniffed::NOTHING },
        _ if is_text(head) => TEXT,
        _ => Sniffed::NOTHING,
    };
    match (sniffed.kind, &said.voice) {
        (FileKind::Audio, Some(voice)) if voice.fits() => Sniffed { kind: FileKind::Voice, ..sniffed },
        _ => sniffed,
    }
}

/// Whether these bytes begin a text: UTF-8 without characters that no text has.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut off.
        Err(error) if error.error_len().is_none() && head.len() == HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b');
    !text.is_empty() && !text.chars().any(odd)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::file::Voice;

    fn kind(head: &[u8]) -> FileKind {
        sniff(head, &Said::default()).kind
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(kind(b"\xff\xd8\xff\xe0rest"), FileKind::Image);
        assert_eq!(kind(b"GIF89a/*"), FileKind::Image);
        assert_eq!(kind(b"%PDF-1.7"), FileKind::Pdf);
        assert_eq!(kind(b"PK\x03\x04rest"), FileKind::Archive);
        assert_eq!(kind("Grüße, 你好".as_bytes()), FileKind::Text);
        assert_eq!(kind(b""), FileKind::Other);
        assert_eq!(kind(b"\0\x01\x02\x03"), FileKind::Other);
        for page in [
            "<!DOCTYPE html><script>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\">",
            "<?xml version=\"1.0\"?>",
            "#!/bin/sh\n",
        ] {
            let found = sniff(page.as_bytes(), &Said::default());
            assert_eq!((found.kind, found.mime), (FileKind::Text, "text/plain"), "{page}");
        }
    }

    #[test]
    fn a_text_may_be_cut_within_a_character() {
        let mut head = "ä".repeat(HEAD / 2).into_bytes();
        head.insert(0, b'a');
        head.truncate(HEAD);
        assert_eq!(kind(&head), FileKind::Text);
        assert_eq!(kind(&head[..101][..100]), FileKind::Other, "but only where it goes on");
    }

    #[test]
    fn a_voice_message_is_a_sound_with_numbers_that_fit() {
        // As a browser begins what it records.
        let begins = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm";
        let webm = [&begins[..], &[0; 300]].concat();
        let said = |duration, peaks| Said { voice: Some(Voice { duration, peaks }), ..Said::default() };
        let kind = |said: &Said| sniff(&webm, said).kind;
        assert_eq!(kind(&Said::default()), FileKind::Video);
        assert_eq!(kind(&Said { sound: true, ..Said::default() }), FileKind::Audio);
        assert_eq!(kind(&said(1_000, vec![0, 100])), FileKind::Voice);
        assert_eq!(kind(&said(0, vec![])), FileKind::Audio);
        assert_eq!(kind(&said(1_000, vec![101])), FileKind::Audio);
        assert_eq!(kind(&said(1_000, vec![1; 65])), FileKind::Audio);
        assert_eq!(sniff(b"plain", &said(1_000, vec![])).kind, FileKind::Text);
    }

    proptest! {
        #[test]
        fn nothing_that_could_run_has_a_type_that_runs(head in any::<Vec<u8>>(), sound in any::<bool>()) {
            let found = sniff(&head, &Said { sound, ..Said::default() });
            prop_assert!(!found.mime.contains("html") && !found.mime.contains("xml") && !found.mime.contains("script"));
            prop_assert!(!found.mime.contains("svg"));
        }
    }
}
