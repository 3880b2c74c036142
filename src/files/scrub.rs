//! Taking places and names out of films, sounds and pictures that aren't taken apart: overwritten where they lie, so that
//! nothing else moves.

mod tiff;

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
};

/// The most bytes of a picture that is searched.
const SEARCHED: u64 = 64 << 20;
/// The most boxes that are looked at: films have some dozens.
const BOXES: usize = 10_000;

/// Whether a file of this media type is one that may say more than it shows, and is scrubbed.
pub(super) fn is_for(mime: &str) -> bool {
    matches!(mime, "video/mp4" | "video/quicktime" | "video/x-m4v") || is_picture(mime) || is_tiff(mime)
}

fn is_tiff(mime: &str) -> bool {
    matches!(mime, "image/tiff" | "image/x-canon-cr2")
}

fn is_picture(mime: &str) -> bool {
    matches!(mime, "image/heif" | "image/heic" | "image/avif")
}

/// Scrubs a file of that type. One that isn't made as it should be stays as it is.
pub(super) fn scrub(mime: &str, file: &mut File) -> io::Result<()> {
    if is_tiff(mime) {
        tiff::forget_place(file)
    } else if is_picture(mime) {
        forget_exif(file)
    } else {
        forget_notes(file)
    }
}

/// What a film's makers say of it is in boxes of their own. A player skips those named `free`.
fn forget_notes(file: &mut File) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let (mut open, mut left) = (vec![(0, end)], BOXES);
    while let Some((mut at, end)) = open.pop() {
        while at + 8 <= end && left > 0 {
            left -= 1;
            file.seek(SeekFrom::Start(at))?;
            let mut head = [0; 16];
            let known = (end - at).min(16);
            file.read_exact(&mut head[..usize::try_from(known).unwrap_or(8)])?;
            let [a, b, c, d, n, a2, m, e, long @ ..] = head;
            let (begin, size) = match u32::from_be_bytes([a, b, c, d]) {
                0 => (8, end - at),
                1 if known == 16 => (16, u64::from_be_bytes(long)),
                size => (8, size.into()),
            };
            if size < begin || at.checked_add(size).is_none_or(|next| next > end) {
                break;
            }
            match &[n, a2, m, e] {
                b"moov" | b"trak" => open.push((at + begin, at + size)),
                b"udta" | b"meta" | b"uuid" => overwrite(file, at + begin, size - begin, Some(at + 4))?,
                _ => {}
            }
            at += size;
        }
    }
    Ok(())
}

/// Fills a stretch with zeros; at `name`, the box around it becomes free.
fn overwrite(file: &mut File, from: u64, length: u64, name: Option<u64>) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut io::repeat(0).take(length), file)?;
    if let Some(name) = name {
        file.seek(SeekFrom::Start(name))?;
        file.write_all(b"free")?;
    }
    Ok(())
}

/// The EXIF of a picture in an ISO container is a stretch of its bytes. Which way up it is is told elsewhere there.
fn forget_exif(file: &mut File) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? > SEARCHED {
        return Ok(());
    }
    file.rewind()?;
    let Ok(exif) = exif::Reader::new().read_from_container(&mut BufReader::new(&*file)) else {
        return Ok(());
    };
    let tiff = exif.buf();
    file.rewind()?;
    let mut bytes = vec![];
    Read::by_ref(file).take(SEARCHED).read_to_end(&mut bytes)?;
    if tiff.len() >= 8
        && let Some(at) = bytes.windows(tiff.len()).position(|window| window == tiff)
    {
        overwrite(file, at as u64, tiff.len() as u64, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrubbed(mime: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        scrub(mime, &mut file)?;
        let mut after = vec![];
        file.rewind()?;
        file.read_to_end(&mut after)?;
        Ok(after)
    }

    fn boxed(name: &[u8], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    }

    #[test]
    fn a_film_forgets_where_it_was_taken() -> io::Result<()> {
        let film = |name: &[u8], said: &[u8]| {
            let track = boxed(b"trak", &[boxed(b"tkhd", b"track"), boxed(name, said)].concat());
            let movie = boxed(b"moov", &[boxed(b"mvhd", b"movie"), track, boxed(name, said)].concat());
            [boxed(b"ftyp", b"isom"), movie, boxed(b"mdat", b"udta stays in here")].concat()
        };
        let after = scrubbed("video/mp4", &film(b"udta", b"+52.5+013.4/"))?;
        assert_eq!(after, film(b"free", &[0; 12]));
        assert_eq!(scrubbed("video/mp4", &after)?, after);
        Ok(())
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in any::<Vec<u8>>(), size in any::<u32>(), long in any::<u64>()) {
            let head = [&size.to_be_bytes()[..], b"moov", &long.to_be_bytes(), &bytes].concat();
            for mime in ["video/mp4", "image/avif"] {
                for bytes in [&bytes, &head, &boxed(b"moov", &head), &boxed(b"ftyp", b"avif")] {
                    prop_assert_eq!(scrubbed(mime, bytes).map(|after| after.len()).ok(), Some(bytes.len()));
                }
            }
        }
    }
}
