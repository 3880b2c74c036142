//! A GIF without its comments and what applications say in it, but for how often it plays.

use std::io::{self, BufRead, Write};

use super::strip::{bytes, pass, wrong};

/// Copies it.
pub(super) fn strip(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let head: [u8; 13] = bytes(from)?;
    if !head.starts_with(b"GIF87a") && !head.starts_with(b"GIF89a") {
        return Err(wrong("no GIF"));
    }
    to.write_all(&head)?;
    pass(from, Some(to), palette(head[10]))?;
    loop {
        match bytes(from)? {
            [0x2c] => {
                let image: [u8; 9] = bytes(from)?;
                to.write_all(&[0x2c])?;
                to.write_all(&image)?;
                pass(from, Some(to), palette(image[8]) + 1)?;
                blocks(from, Some(to))?;
            }
            [0x21] => extension(from, to)?,
            [0x3b] => return to.write_all(&[0x3b]),
            _ => return Err(wrong("an unknown block")),
        }
    }
}

/// How many bytes of colours these flags announce.
fn palette(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn extension(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let [label] = bytes(from)?;
    match label {
        // How a frame is shown; text that is shown.
        0xf9 | 0x01 => {
            to.write_all(&[0x21, label])?;
            blocks(from, Some(to))
        }
        0xff => {
            let [length] = bytes(from)?;
            if length != 11 {
                pass(from, None, length.into())?;
                return blocks(from, None);
            }
            let name: [u8; 11] = bytes(from)?;
            if &name == b"NETSCAPE2.0" || &name == b"ANIMEXTS1.0" {
                to.write_all(&[0x21, 0xff, 11])?;
                to.write_all(&name)?;
                blocks(from, Some(to))
            } else {
                blocks(from, None)
            }
        }
        _ => blocks(from, None),
    }
}

/// Copies blocks up to the empty one, or lets them go.
fn blocks(from: &mut impl BufRead, mut to: Option<&mut dyn Write>) -> io::Result<()> {
    loop {
        let [length] = bytes(from)?;
        if let Some(to) = to.as_mut() {
            to.write_all(&[length])?;
        }
        match to.as_mut() {
            Some(to) => pass(from, Some(&mut **to), length.into())?,
            None => pass(from, None, length.into())?,
        }
        if length == 0 {
            return Ok(());
        }
    }
}
