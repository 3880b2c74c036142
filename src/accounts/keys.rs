//! The keys that tokens are signed with.
//!
//! A node that is alone makes its own on first start and keeps them in the data folder. Nodes of a cluster derive
//! theirs from the secret they share. There may be several: the first signs, all verify, so keys can be exchanged
//! without logging anyone out.

use std::{
    fmt, fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// The file's name in the data folder.
pub const FILE: &str = "keys";
/// What the file says to who opens it.
const PREFACE: &str = "\
# Parlor signs access and refresh tokens with these keys. Keep them to yourself.
# One of 64 hex digits a line. The first signs, all are accepted: to exchange it, put a new one in front, restart,
# and remove the old one after 30 days (at once, when it was seen by somebody else: programs then log in again).
";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file can't be read or made.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// The file holds something else.
    #[error("{0}, line {1}: expected a key of 64 hex digits, or a comment that begins with #")]
    Line(PathBuf, usize),
    /// The file holds none.
    #[error("{0}: expected at least one key of 64 hex digits")]
    Empty(PathBuf),
    /// Others can read it.
    #[error("{0}: expected a file that its owner alone can read (chmod 600)")]
    Open(PathBuf),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A key and its public name.
#[derive(Clone)]
pub struct Key {
    id: String,
    bytes: [u8; 32],
}

impl Key {
    fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"parlor key id").chain_update(bytes).finalize();
        Self { id: hex::encode(&digest[..4]), bytes }
    }

    /// Its public name, `kid` in a token's header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is made of.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// HMAC-SHA256 of these parts, which are of fixed lengths, for this purpose.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        finish(mac(&self.bytes, purpose), parts)
    }

    /// Whether `tag` is [`Key::mac`] of the same; takes as long for a wrong one.
    pub fn has_made(&self, tag: &[u8], purpose: &str, parts: &[&[u8]]) -> bool {
        use subtle::ConstantTimeEq;
        self.mac(purpose, parts).ct_eq(tag).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// At least one key.
#[derive(Debug, Clone)]
pub struct Keys {
    first: Key,
    others: Vec<Key>,
}

impl Keys {
    /// Those that follow from shared secrets; none when there are none. A secret that may be a key from the data folder of
    /// a node that was alone counts as that key, too: what it signed there is accepted on.
    pub fn derived(secrets: &[Secret]) -> Option<Self> {
        let key =
            |secret: &Secret| Key::new(finish(mac(secret.reveal().as_bytes(), "parlor token key"), &[]));
        let kept = |secret: &Secret| Some(Key::new(decoded(secret.reveal())?));
        let (first, others) = secrets.split_first()?;
        let others = others.iter().map(key).chain(secrets.iter().filter_map(kept));
        Some(Self { first: key(first), others: others.collect() })
    }

    /// Those in the data folder, made there if there are none; says also where they are when they were made just now.
    ///
    /// # Errors
    /// When the file can't be read, made or understood, or is open to others.
    pub fn kept_in(data: &Path) -> Result<(Self, Option<PathBuf>), KeysError> {
        let path = data.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                owner_alone(&path)?;
                Ok((Self::parse(&path, &text)?, None))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(KeysError::Random)?;
                write(data, &path, &bytes).map_err(|error| KeysError::Io(path.clone(), error))?;
                Ok((Self { first: Key::new(bytes), others: vec![] }, Some(path)))
            }
            Err(error) => Err(KeysError::Io(path, error)),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeysError> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut keys = Vec::new();
        for (n, line) in lines {
            keys.push(Key::new(decoded(line).ok_or_else(|| KeysError::Line(path.to_owned(), n + 1))?));
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or_else(|| KeysError::Empty(path.to_owned()))?;
        Ok(Self { first, others: keys.collect() })
    }

    /// The one that signs.
    pub fn first(&self) -> &Key {
        &self.first
    }

    /// All that verify.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The one of this name.
    pub fn named(&self, id: &str) -> Option<&Key> {
        self.all().find(|key| key.id == id)
    }
}

/// The key that these 64 hex digits are.
fn decoded(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

fn mac(key: &[u8], purpose: &str) -> Hmac<Sha256> {
    // A key fills a block; of a longer one, HMAC takes the hash.
    let mut block = [0; 64];
    match key.len() {
        length @ ..=64 => block[..length].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let mac: Hmac<Sha256> = Hmac::new(&block.into());
    mac.chain_update(purpose.as_bytes()).chain_update([0])
}

fn finish(mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
}

/// Under a name of its own first, so that a crash can't leave half a file.
fn write(data: &Path, path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    writeln!(file, "{PREFACE}{}", hex::encode(key))?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(data)?.sync_all()
}

#[cfg(unix)]
fn owner_alone(path: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        fs::metadata(path).map_err(|error| KeysError::Io(path.to_owned(), error))?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeysError::Open(path.to_owned())) }
}

#[cfg(not(unix))]
fn owner_alone(_: &Path) -> Result<(), KeysError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn keys_are_made_once_and_for_their_owner_alone() -> Tested {
        let data = tempfile::tempdir()?;
        let (made, path) = Keys::kept_in(data.path())?;
        let path = path.ok_or("says where")?;
        let (found, again) = Keys::kept_in(data.path())?;
        assert_eq!((made.first().bytes(), again), (found.first().bytes(), None));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
            assert!(matches!(Keys::kept_in(data.path()), Err(KeysError::Open(_))));
        }
        Ok(())
    }

    #[test]
    fn the_first_key_of_the_file_signs_and_a_wrong_line_is_named() -> Tested {
        let path = Path::new("keys");
        let keys =
            Keys::parse(path, &format!("# old and new\n\n{}\n{}\n", "ab".repeat(32), "cd".repeat(32)))?;
        assert_eq!(keys.first().bytes(), &[0xab; 32]);
        assert_eq!(keys.all().count(), 2);
        let wrong = Keys::parse(path, "# x\nabcd\n").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(wrong.starts_with("keys, line 2: expected"), "{wrong}");
        assert!(Keys::parse(path, "# nothing\n").is_err());
        Ok(())
    }

    #[test]
    fn nodes_with_the_same_secrets_have_the_same_keys() {
        let secret = |text: &str| -> Vec<Secret> {
            let settings = crate::config::Settings { secret: Some(text.to_owned()), ..Default::default() };
            crate::config::Config::new(&settings).map(|config| config.secrets).unwrap_or_default()
        };
        let (old, new) = ("o".repeat(32), "n".repeat(32));
        let before = Keys::derived(&secret(&old));
        let after = Keys::derived(&secret(&format!("{new},{old}")));
        let (before, after) = (before.as_ref().map(Keys::first), after);
        assert!(before.zip(after).is_some_and(|(key, keys)| {
            keys.named(key.id()).is_some() && keys.first().id() != key.id() && key.bytes() != &[b'o'; 32]
        }));
        assert!(Keys::derived(&[]).is_none());
    }

    #[test]
    fn a_key_of_a_node_that_was_alone_counts_among_shared_secrets() -> Tested {
        let alone = Keys::parse(Path::new("keys"), &"ab".repeat(32))?;
        let secret = format!("{},{}", "n".repeat(32), "ab".repeat(32));
        let settings = crate::config::Settings { secret: Some(secret), ..Default::default() };
        let keys = Keys::derived(&crate::config::Config::new(&settings)?.secrets).ok_or("has keys")?;
        assert!(keys.named(alone.first().id()).is_some() && keys.first().id() != alone.first().id());
        Ok(())
    }
}
