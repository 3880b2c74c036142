//! Taking out of a picture what it says besides what it shows: where and when it was taken, by whom, with what, small
//! copies of what was cut off it. What is needed to show it right stays, as it is, bit by bit; of EXIF, which way up.
//!
//! What comes behind a picture's end goes, too. A file that breaks off, or is none of ours, is an error.

use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};

use super::{exif, gif};

/// The most bytes of a piece that is looked into. Longer ones that could say something are taken out unseen.
const LOOKED_INTO: usize = 256 * 1024;

/// What pictures are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::files) enum Form {
    Jpeg,
    Png,
    Gif,
    Webp,
}

impl Form {
    /// The form with this media type.
    pub(in crate::files) fn of(mime: &str) -> Option<Self> {
        match mime {
            "image/jpeg" => Some(Form::Jpeg),
            "image/png" => Some(Form::Png),
            "image/gif" => Some(Form::Gif),
            "image/webp" => Some(Form::Webp),
            _ => None,
        }
    }
}

/// Copies a picture without what it needn't say.
pub(in crate::files) fn strip(
    form: Form,
    from: &mut impl BufRead,
    to: &mut (impl Write + Seek),
) -> io::Result<()> {
    match form {
        Form::Jpeg => jpeg(from, to),
        Form::Png => png(from, to),
        Form::Gif => gif::strip(from, to),
        Form::Webp => webp(from, to),
    }
}

pub(super) fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(super) fn bytes<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Copies so many bytes, or lets them go.
pub(super) fn pass(from: &mut impl BufRead, to: Option<&mut dyn Write>, length: u64) -> io::Result<()> {
    let mut piece = from.take(length);
    let passed = match to {
        Some(mut to) => io::copy(&mut piece, &mut to)?,
        None => io::copy(&mut piece, &mut io::sink())?,
    };
    if passed == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A piece as a whole; none when it is too long to be looked into, and then it is let go.
fn piece(from: &mut impl BufRead, length: u64) -> io::Result<Option<Vec<u8>>> {
    if length > LOOKED_INTO as u64 {
        return pass(from, None, length).map(|()| None);
    }
    let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    from.take(length).read_to_end(&mut piece)?;
    if piece.len() as u64 == length { Ok(Some(piece)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn jpeg(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    const EXIF: &[u8] = b"Exif\0\0";
    /// Bytes of the JFIF head without a thumbnail.
    const JFIF: usize = 14;
    if bytes(from)? != [0xff, 0xd8] {
        return Err(wrong("no JPEG"));
    }
    to.write_all(&[0xff, 0xd8])?;
    let mut turned = false;
    let mut marker = next_marker(from)?;
    loop {
        match marker {
            0xd9 => return to.write_all(&[0xff, 0xd9]),
            0x01 | 0xd0..=0xd8 => return Err(wrong("a marker out of place")),
            // What applications say. Of that stay: how the pixels are to be taken, the orientation, the colour profile.
            0xe0..=0xef | 0xfe => {
                let length = segment_length(from)?;
                let mut piece = piece(from, length)?.unwrap_or_default();
                match marker {
                    0xe0 if piece.starts_with(b"JFIF\0") && piece.len() >= JFIF => {
                        // Behind the head there may be a thumbnail.
                        piece.truncate(JFIF);
                        piece[JFIF - 2..].fill(0);
                        segment(to, marker, &piece)?;
                    }
                    0xe1 if piece.starts_with(EXIF) && !turned => {
                        let way = exif::orientation(&piece[EXIF.len()..]).filter(|way| *way > 1);
                        if let Some(way) = way {
                            segment(to, marker, &[EXIF, &exif::tiff(way)].concat())?;
                            turned = true;
                        }
                    }
                    0xe2 if piece.starts_with(b"ICC_PROFILE\0") => segment(to, marker, &piece)?,
                    0xee if piece.starts_with(b"Adobe") => segment(to, marker, &piece)?,
                    _ => {}
                }
                marker = next_marker(from)?;
            }
            _ => {
                let length = segment_length(from)?;
                to.write_all(&[0xff, marker])?;
                to.write_all(&((length + 2) as u16).to_be_bytes())?;
                pass(from, Some(to), length)?;
                marker = if marker == 0xda { scan(from, to)? } else { next_marker(from)? };
            }
        }
    }
}

fn next_marker(from: &mut impl BufRead) -> io::Result<u8> {
    if bytes(from)? != [0xff] {
        return Err(wrong("no marker"));
    }
    loop {
        match bytes(from)? {
            [0xff] => {}
            [marker] => return Ok(marker),
        }
    }
}

fn segment_length(from: &mut impl BufRead) -> io::Result<u64> {
    let length = u16::from_be_bytes(bytes(from)?);
    length.checked_sub(2).map(u64::from).ok_or_else(|| wrong("a segment without length"))
}

fn segment(to: &mut impl Write, marker: u8, piece: &[u8]) -> io::Result<()> {
    let length = u16::try_from(piece.len() + 2).map_err(|_| wrong("a segment too long"))?;
    to.write_all(&[0xff, marker])?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(piece)
}

/// Copies what was coded, up to the next marker that isn't part of it. A picture that breaks off in here ends here.
fn scan(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<u8> {
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok(0xd9);
        }
        let plain = buffer.iter().position(|byte| *byte == 0xff).unwrap_or(buffer.len());
        to.write_all(&buffer[..plain])?;
        let more = plain < buffer.len();
        from.consume(plain + usize::from(more));
        if !more {
            continue;
        }
        let mut next = [0xff];
        while next[0] == 0xff {
            if from.read(&mut next)? == 0 {
                return Ok(0xd9);
            }
        }
        match next[0] {
            0x00 | 0xd0..=0xd7 => to.write_all(&[0xff, next[0]])?,
            marker => return Ok(marker),
        }
    }
}

fn png(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
    if bytes(from)? != SIGNATURE {
        return Err(wrong("no PNG"));
    }
    to.write_all(&SIGNATURE)?;
    loop {
        let head: [u8; 8] = bytes(from)?;
        let [a, b, c, d, name @ ..] = head;
        let length = u64::from(u32::from_be_bytes([a, b, c, d])) + 4;
        let keep = matches!(
            &name,
            b"IHDR"
                | b"PLTE"
                | b"IDAT"
                | b"IEND"
                | b"tRNS"
                | b"gAMA"
                | b"cHRM"
                | b"sRGB"
                | b"iCCP"
                | b"sBIT"
                | b"bKGD"
                | b"pHYs"
                | b"cICP"
                | b"mDCV"
                | b"cLLI"
                | b"acTL"
                | b"fcTL"
                | b"fdAT"
        );
        if keep {
            to.write_all(&head)?;
            pass(from, Some(to), length)?;
        } else {
            pass(from, None, length)?;
        }
        if &name == b"IEND" {
            return Ok(());
        }
    }
}

fn webp(from: &mut impl BufRead, to: &mut (impl Write + Seek)) -> io::Result<()> {
    const EXIF_FLAG: u8 = 0x08;
    const XMP_FLAG: u8 = 0x04;
    let [r, i, f, f2, a, b, c, d, w, e, b2, p]: [u8; 12] = bytes(from)?;
    if [r, i, f, f2] != *b"RIFF" || [w, e, b2, p] != *b"WEBP" {
        return Err(wrong("no WebP"));
    }
    let begin = to.stream_position()?;
    to.write_all(b"RIFF\0\0\0\0WEBP")?;
    let mut left = u64::from(u32::from_le_bytes([a, b, c, d])).saturating_sub(4);
    let (mut flags, mut way) = (None, None);
    while left >= 8 {
        let head: [u8; 8] = bytes(from)?;
        let [n, a, m, e, sizes @ ..] = head;
        let size = u64::from(u32::from_le_bytes(sizes));
        let padded = size + size % 2;
        left = left.saturating_sub(8 + padded);
        match &[n, a, m, e] {
            b"VP8X" if size >= 4 => {
                let mut body = piece(from, padded)?.ok_or_else(|| wrong("a long header"))?;
                to.write_all(&head)?;
                flags = Some((to.stream_position()?, body[0] & !(EXIF_FLAG | XMP_FLAG)));
                body[0] &= !(EXIF_FLAG | XMP_FLAG);
                to.write_all(&body)?;
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP" => {
                to.write_all(&head)?;
                pass(from, Some(to), padded)?;
            }
            b"EXIF" => {
                let body = piece(from, padded)?.unwrap_or_default();
                let tiff = body.strip_prefix(b"Exif\0\0").unwrap_or(&body);
                way = exif::orientation(tiff).filter(|way| *way > 1);
            }
            _ => pass(from, None, padded)?,
        }
    }
    if let (Some(way), Some((at, flags))) = (way, flags) {
        let tiff = exif::tiff(way);
        to.write_all(b"EXIF")?;
        to.write_all(&(tiff.len() as u32).to_le_bytes())?;
        to.write_all(&tiff)?;
        let end = to.stream_position()?;
        to.seek(SeekFrom::Start(at))?;
        to.write_all(&[flags | EXIF_FLAG])?;
        to.seek(SeekFrom::Start(end))?;
    }
    let end = to.stream_position()?;
    let size = u32::try_from(end - begin - 8).map_err(|_| wrong("too long a WebP"))?;
    to.seek(SeekFrom::Start(begin + 4))?;
    to.write_all(&size.to_le_bytes())?;
    to.seek(SeekFrom::Start(end))?;
    Ok(())
}

#[cfg(test)]
mod tests;
