//! Looking into what arrived: what it is, what it may say of itself, its hash.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    picture::{Form, strip},
    scrub,
    sniff::{HEAD, Sniffed, sniff},
};
use crate::model::{FileKind, file::ContentHash, file::Said};

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

/// What was found.
#[derive(Debug)]
pub(super) struct Inspected {
    /// The bytes that are to be kept: those that arrived, or a picture without what it needn't say.
    pub(super) path: PathBuf,
    pub(super) hash: ContentHash,
    pub(super) size: u64,
    pub(super) sniffed: Sniffed,
    /// The form of a picture that could be taken apart.
    pub(super) form: Option<Form>,
}

/// Looks into a file; `hash` is that of all its bytes, where it is known. Takes as long as reading it, no matter what is
/// in it, and a fixed amount of memory.
pub(super) fn inspect(
    path: &Path,
    clean: &Path,
    hash: Option<ContentHash>,
    said: &Said,
) -> io::Result<Inspected> {
    let mut head = Vec::with_capacity(HEAD);
    let mut file = File::open(path)?;
    Read::by_ref(&mut file).take(HEAD as u64).read_to_end(&mut head)?;
    let sniffed = sniff(&head, said);
    if let Some(form) = Form::of(sniffed.mime).filter(|_| sniffed.kind == FileKind::Image) {
        file.rewind()?;
        match cleaned(form, &file, clean) {
            Ok(()) => {
                let (hash, size) = read_through(clean)?;
                let (path, form) = (clean.to_owned(), Some(form));
                return Ok(Inspected { path, hash, size, sniffed, form });
            }
            Err(error) if is_its_own(&error) => {
                tracing::debug!(%error, "a picture that is none");
                return whole(path, hash, Sniffed::NOTHING);
            }
            Err(error) => return Err(error),
        }
    }
    let mime = infer::get(&head).map(|found| found.mime_type()).filter(|mime| scrub::is_for(mime));
    if let Some(mime) = mime {
        scrub::scrub(mime, &mut File::options().read(true).write(true).open(path)?)?;
        // Its bytes may be others now, or have been since a try that broke off.
        return whole(path, None, sniffed);
    }
    whole(path, hash, sniffed)
}

fn whole(path: &Path, hash: Option<ContentHash>, sniffed: Sniffed) -> io::Result<Inspected> {
    let (hash, size) = match hash {
        Some(hash) => (hash, path.metadata()?.len()),
        None => read_through(path)?,
    };
    Ok(Inspected { path: path.to_owned(), hash, size, sniffed, form: None })
}

fn cleaned(form: Form, file: &File, clean: &Path) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(CHUNK, File::create(clean)?);
    strip(form, &mut BufReader::with_capacity(CHUNK, file), &mut to)?;
    to.flush()
}

/// Whether it is the file that is at fault, not the disk.
fn is_its_own(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn read_through(path: &Path) -> io::Result<(ContentHash, u64)> {
    let (mut file, mut hash, mut size) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((ContentHash(hash.finalize().into()), size));
        }
        hash.update(&buffer[..count]);
        size += count as u64;
    }
}
