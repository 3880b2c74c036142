//! The one thing that a picture's EXIF may keep: which way up it is.

/// The tag of the orientation in a TIFF directory.
const ORIENTATION: u16 = 0x0112;

/// The orientation (1 to 8) that a TIFF structure tells of, when it does.
pub(super) fn orientation(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long =
        |at: usize| Some(if little { (short(at)?, short(at + 2)?) } else { (short(at + 2)?, short(at)?) });
    let (low, high) = long(4)?;
    let directory = (usize::from(high) << 16) | usize::from(low);
    let count = usize::from(short(directory)?);
    let entries = (0..count).map(|n| directory + 2 + n * 12);
    let entry = entries.take_while(|at| at + 12 <= tiff.len()).find(|at| short(*at) == Some(ORIENTATION))?;
    u8::try_from(short(entry + 8)?).ok().filter(|orientation| (1..=8).contains(orientation))
}

/// A TIFF structure that tells of an orientation and of nothing else.
pub(super) fn tiff(orientation: u8) -> [u8; 26] {
    let mut tiff = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    tiff[19] = orientation;
    tiff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for way in 1..=8 {
            assert_eq!(orientation(&tiff(way)), Some(way));
        }
        assert_eq!(orientation(&tiff(9)), None);
        assert_eq!(orientation(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"), Some(6));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in any::<Vec<u8>>(), little in any::<bool>()) {
            let head: &[u8] = if little { b"II*\0" } else { b"MM\0*" };
            let _ = orientation(&[head, &bytes].concat());
            let _ = orientation(&bytes);
        }
    }
}
