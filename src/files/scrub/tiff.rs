//! TIFF 6.0, and what cameras make of it (DNG, CR2, NEF): where a picture was taken, and what was written about it, is taken out of
//! its directories. What the camera says of itself stays: without it, nobody could develop the picture.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use super::overwrite;

/// The most directories that are looked at; pictures have some.
const DIRECTORIES: usize = 64;
/// Bytes of an entry: its tag, its type, how many values it has, and those or where they are.
const ENTRY: usize = 12;
/// Entries that lead to further directories: smaller pictures, and what the camera says.
const LEAD_ON: [u16; 2] = [0x014a, 0x8769];
/// The directory that says where.
const PLACE: u16 = 0x8825;
/// What was written about a picture: XMP, who made it, IPTC, Photoshop's.
const NOTES: [u16; 4] = [0x02bc, 0x013b, 0x83bb, 0x8649];

/// The order of bytes in a file.
#[derive(Clone, Copy)]
struct Order {
    little: bool,
}

impl Order {
    fn short(self, bytes: [u8; 2]) -> u16 {
        if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn long(self, bytes: [u8; 4]) -> u32 {
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn of_short(self, number: u16) -> [u8; 2] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
}

/// An entry of a directory.
#[derive(Clone, Copy)]
struct Entry {
    raw: [u8; ENTRY],
    tag: u16,
    /// How many bytes its values take.
    size: u64,
    /// Where they are, if they don't fit into it; else the value, if it is a number.
    at: u32,
}

impl Entry {
    fn new(raw: [u8; ENTRY], order: Order) -> Self {
        let [t, a, k, i, c, o, u, n, v, w, x, y] = raw;
        let each = match order.short([k, i]) {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        let size = u64::from(order.long([c, o, u, n])) * each;
        Self { raw, tag: order.short([t, a]), size, at: order.long([v, w, x, y]) }
    }
}

/// A directory: where it is, its entries, and where the next one is.
struct Directory {
    at: u64,
    entries: Vec<Entry>,
    next: [u8; 4],
}

/// Forgets where a picture was taken and what was written about it. A file that isn't made as it should be stays as it is from
/// there on.
pub(super) fn forget_place(file: &mut File) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut head = [0; 8];
    if end < 8 {
        return Ok(());
    }
    file.read_exact(&mut head)?;
    let [a, b, c, d, first @ ..] = head;
    let order = match [a, b] {
        [b'I', b'I'] => Order { little: true },
        [b'M', b'M'] => Order { little: false },
        _ => return Ok(()),
    };
    if order.short([c, d]) != 42 {
        return Ok(());
    }
    let mut open = vec![order.long(first)];
    let mut seen = vec![];
    // However often a file names the same stretch, it is written over once.
    let mut left = end;
    while let Some(at) = open.pop()
        && seen.len() < DIRECTORIES
    {
        if seen.contains(&at) {
            continue;
        }
        seen.push(at);
        let Some(directory) = read(file, at.into(), end, order)? else { continue };
        let (said, kept): (Vec<Entry>, Vec<Entry>) =
            directory.entries.iter().partition(|entry| entry.tag == PLACE || NOTES.contains(&entry.tag));
        for entry in said {
            if entry.tag != PLACE {
                wipe(file, &entry, end, &mut left)?;
            } else if let Some(place) = read(file, entry.at.into(), end, order)? {
                for entry in &place.entries {
                    wipe(file, entry, end, &mut left)?;
                }
                write(file, &place, &[], order)?;
            }
        }
        write(file, &directory, &kept, order)?;
        open.push(order.long(directory.next));
        for entry in kept.iter().filter(|entry| LEAD_ON.contains(&entry.tag)) {
            if entry.size == 4 {
                open.push(entry.at);
            } else {
                open.extend(numbers(file, entry, end, order)?);
            }
        }
    }
    Ok(())
}

/// The directory there, if there is one.
fn read(file: &mut File, at: u64, end: u64, order: Order) -> io::Result<Option<Directory>> {
    if at < 8 || at + 2 > end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut count = [0; 2];
    file.read_exact(&mut count)?;
    let count = usize::from(order.short(count));
    if at + 2 + (count * ENTRY) as u64 + 4 > end {
        return Ok(None);
    }
    let mut table = vec![0; count * ENTRY];
    file.read_exact(&mut table)?;
    let mut next = [0; 4];
    file.read_exact(&mut next)?;
    let (entries, _) = table.as_chunks::<ENTRY>();
    Ok(Some(Directory { at, entries: entries.iter().map(|raw| Entry::new(*raw, order)).collect(), next }))
}

/// Puts a directory back with these of its entries; what it is shorter by becomes zeros.
fn write(file: &mut File, directory: &Directory, kept: &[Entry], order: Order) -> io::Result<()> {
    if kept.len() == directory.entries.len() {
        return Ok(());
    }
    // There are no more of them than there were.
    let count = kept.len() as u16;
    let mut table = order.of_short(count).to_vec();
    table.extend(kept.iter().flat_map(|entry| entry.raw));
    table.extend(directory.next);
    table.resize(2 + directory.entries.len() * ENTRY + 4, 0);
    file.seek(SeekFrom::Start(directory.at))?;
    file.write_all(&table)
}

/// Fills an entry's values with zeros, where they are outside of it.
fn wipe(file: &mut File, entry: &Entry, end: u64, left: &mut u64) -> io::Result<()> {
    let inside = entry.size <= 4 || entry.at < 8 || u64::from(entry.at) + entry.size > end;
    if inside || entry.size > *left {
        return Ok(());
    }
    *left -= entry.size;
    overwrite(file, entry.at.into(), entry.size, None)
}

/// An entry's values, as places; no more than directories are looked at.
fn numbers(file: &mut File, entry: &Entry, end: u64, order: Order) -> io::Result<Vec<u32>> {
    if entry.size > DIRECTORIES as u64 * 4 || u64::from(entry.at) + entry.size > end {
        return Ok(vec![]);
    }
    file.seek(SeekFrom::Start(entry.at.into()))?;
    let mut bytes = vec![];
    Read::by_ref(file).take(entry.size).read_to_end(&mut bytes)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().map(|number| order.long(*number)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scrubbed(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        forget_place(&mut file)?;
        let mut after = vec![];
        file.rewind()?;
        file.read_to_end(&mut after)?;
        Ok(after)
    }

    /// An entry of bytes or numbers.
    fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat()
    }

    fn directory(entries: &[Vec<u8>], next: u32) -> Vec<u8> {
        [&(entries.len() as u16).to_be_bytes()[..], &entries.concat(), &next.to_be_bytes()].concat()
    }

    #[test]
    fn a_picture_forgets_where_it_was_taken_and_what_was_said_of_it() -> io::Result<()> {
        let width = entry(0x0100, 4, 1, 640);
        let first =
            [width.clone(), entry(0x02bc, 7, 9, 100), entry(0x8825, 4, 1, 60), entry(0x8769, 4, 1, 90)];
        let place = directory(&[entry(2, 5, 3, 120)], 0);
        let mut picture = [b"MM\0\x2a\0\0\0\x08", &directory(&first, 0)[..]].concat();
        for (at, bytes) in [(62, &place[..]), (100, b"<x:place>"), (120, b"52 deg 31 min 12.025 sec")] {
            picture.resize(at, 0);
            picture.extend(bytes);
        }
        // The place is at 62, as its entry has to say.
        picture[8 + 2 + 24 + 8..8 + 2 + 36].copy_from_slice(&62_u32.to_be_bytes());
        let after = scrubbed(&picture)?;
        assert_eq!(after.len(), picture.len());
        let kept = directory(&[width, entry(0x8769, 4, 1, 90)], 0);
        assert_eq!(after[8..8 + kept.len()], kept);
        assert!(after[8 + kept.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(scrubbed(&after)?, after);
        Ok(())
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            tags in prop::collection::vec((prop::sample::select(vec![0x8825, 0x8769, 0x014a, 0x02bc]), 0_u16..14, 0_u32..200, 0_u32..400), 0..8),
            little in any::<bool>(),
        ) {
            let entries: Vec<Vec<u8>> = tags.iter().map(|(tag, kind, count, at)| entry(*tag, *kind, *count, *at)).collect();
            let head: &[u8] = if little { b"II\x2a\0\x08\0\0\0" } else { b"MM\0\x2a\0\0\0\x08" };
            for file in [[head, &bytes].concat(), [head, &directory(&entries, 8), &bytes].concat()] {
                prop_assert_eq!(scrubbed(&file).map(|after| after.len()).ok(), Some(file.len()));
            }
        }
    }
}
