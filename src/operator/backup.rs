//! Backup and restore of a node that is alone: its database, its keys, what people uploaded.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::OperatorError;
use crate::{
    accounts::KEYS,
    config::Config,
    files::KEPT,
    store::sqlite::{self, DATABASE},
};

/// What a file is called until all of it is there.
const PART: &str = "part";
/// The folder of what people uploaded, within a backup.
const UPLOADS: &str = "uploads";
/// Files between two words on how far it is.
const TELL_EVERY: u64 = 1_000;
const MIB: u64 = 1 << 20;

/// Copies all that is kept into a folder that isn't there yet, or is empty. The server may go on serving: the copy is of
/// one moment. The database gets its name last, so a folder without it is no backup. Returns what to tell the operator.
///
/// # Errors
/// When something is in the way, or can't be copied.
pub fn backup(
    config: &Config,
    to: &Path,
    mut progress: impl FnMut(String),
) -> Result<Vec<String>, OperatorError> {
    let data = folder_of(config)?;
    make_empty(to)?;
    let part = to.join(DATABASE).with_extension(PART);
    sqlite::copy(&data, &part, |done, all| {
        progress(format!("Copied {} of about {} MiB", done / MIB, all.max(done) / MIB));
    })?;
    sound(&part)?;
    copy_file(&data.join(KEYS), &to.join(KEYS))?;
    // After the database, so that all that it names is there; what was deleted meanwhile is missed by nobody.
    let files = copy_uploads(&config.uploads.join(KEPT), &to.join(UPLOADS), &mut progress)?;
    name(&part, &to.join(DATABASE))?;
    let mib = fs::metadata(to.join(DATABASE)).map_err(failed(to))?.len().div_ceil(MIB);
    Ok(vec![format!(
        "Copied the database ({mib} MiB), the keys and {files} uploaded files to {}",
        to.display()
    )])
}

/// Brings a backup back into a data folder that has no database. Returns what to tell the operator.
///
/// # Errors
/// When the folder is in use or has a database, or the backup isn't whole and sound.
pub fn restore(
    config: &Config,
    from: &Path,
    mut progress: impl FnMut(String),
) -> Result<Vec<String>, OperatorError> {
    let data = folder_of(config)?;
    let _lock = sqlite::lock(&data)?;
    if data.join(DATABASE).exists() {
        return Err(refused(format!("{} has a database already; move it away first", data.display())));
    }
    if !from.join(DATABASE).exists() {
        return Err(refused(format!("{} holds no backup: there is no {DATABASE}", from.display())));
    }
    sound(&from.join(DATABASE))?;
    copy_uploads(&from.join(UPLOADS), &config.uploads.join(KEPT), &mut progress)?;
    copy_file(&from.join(KEYS), &data.join(KEYS))?;
    let part = data.join(DATABASE).with_extension(PART);
    copy_file(&from.join(DATABASE), &part)?;
    name(&part, &data.join(DATABASE))?;
    Ok(vec![format!("Restored {} into {}", from.display(), data.display())])
}

fn folder_of(config: &Config) -> Result<PathBuf, OperatorError> {
    match config.cluster {
        None => Ok(config.data.clone()),
        Some(_) => Err(refused("a cluster's data is in MongoDB: use mongodump and mongorestore")),
    }
}

fn make_empty(folder: &Path) -> Result<(), OperatorError> {
    make_folder(folder)?;
    match fs::read_dir(folder).map_err(failed(folder))?.next() {
        None => Ok(()),
        Some(_) => Err(refused(format!("{} isn't empty", folder.display()))),
    }
}

fn make_folder(folder: &Path) -> Result<(), OperatorError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed(folder))
}

fn sound(database: &Path) -> Result<(), OperatorError> {
    let faults = sqlite::faults(database)?;
    if faults.is_empty() {
        return Ok(());
    }
    Err(refused(format!("{} is damaged: {}", database.display(), faults.join("; "))))
}

/// Copies what people uploaded, folder by folder; a file that is there already is the same, for none ever changes.
/// Returns how many files there are.
fn copy_uploads(from: &Path, to: &Path, progress: &mut impl FnMut(String)) -> Result<u64, OperatorError> {
    let (mut count, mut folders) = (0, vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let there = match fs::read_dir(from.join(&folder)) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(&from.join(&folder))(error)),
        };
        make_folder(&to.join(&folder))?;
        for entry in there {
            let entry = entry.map_err(failed(from))?;
            let path = folder.join(entry.file_name());
            if entry.file_type().map_err(failed(from))?.is_dir() {
                folders.push(path);
            } else if to.join(&path).exists() || copy_whole(&from.join(&path), &to.join(&path))? {
                count += 1;
                if count % TELL_EVERY == 0 {
                    progress(format!("Copied {count} uploaded files"));
                }
            }
        }
    }
    Ok(count)
}

/// Copies a file, which gets its name when all of it is there. False when it is gone.
fn copy_whole(from: &Path, to: &Path) -> Result<bool, OperatorError> {
    let mut part = to.as_os_str().to_owned();
    part.push(".");
    part.push(PART);
    let part = PathBuf::from(part);
    let source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(from)(error)),
    };
    copy_open(source, &part)?;
    fs::rename(&part, to).map_err(failed(to))?;
    Ok(true)
}

/// Copies a file to where none is, readable by its owner alone, and has it on the disk.
fn copy_file(from: &Path, to: &Path) -> Result<(), OperatorError> {
    copy_open(File::open(from).map_err(failed(from))?, to)
}

fn copy_open(mut source: File, to: &Path) -> Result<(), OperatorError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut target = options.open(to).map_err(failed(to))?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(failed(to))
}

/// Gives a file its name, on the disk, too.
fn name(part: &Path, whole: &Path) -> Result<(), OperatorError> {
    fs::rename(part, whole).map_err(failed(whole))?;
    let folder = whole.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> OperatorError {
    move |error| refused(format!("{}: {error}", path.display()))
}

fn refused(why: impl Into<String>) -> OperatorError {
    OperatorError::Refused(why.into())
}
