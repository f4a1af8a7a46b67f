//! What one session found out and the next would find out again, in the user's cache directory: indexes of names and
//! decompressed sections, each under the build-id of its file.
//!
//! A file there is believed when it and the directory are ours and nobody else can write to them, and when its sums
//! hold ([`sums`]). It is put there by renaming, so that two sessions cannot disturb each other; whoever has mapped a
//! file that another replaces or evicts keeps what was mapped. Nothing here fails: a cache that cannot be read or
//! written costs time and changes no answer.

mod eviction;
pub(crate) mod sections;
pub(crate) mod sums;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::image::Image;

/// The bytes that all files of the directory may have, if nothing else is asked for.
const USUAL_LIMIT: u64 = 2 << 30;

/// How late the time of a file's last use may be: it decides what is evicted, and is not written at each use.
const USE_IS_NOTED_EVERY: Duration = Duration::from_secs(3600);

/// Others than the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Takes any bytes for each kind of file that is kept here: for the fuzzer.
pub fn exercise(bytes: &[u8]) {
    sections::exercise(bytes);
    crate::dwarf::exercise_name_index(bytes);
}

/// A directory of files that can be made again.
#[derive(Clone, Debug)]
pub struct CacheDirectory {
    path: PathBuf,
    owner: u32,
    limit: u64,
}

impl CacheDirectory {
    /// The directory at `path`, which is made (for its owner alone) when something is first put there. `user` is the
    /// number of the user that we run as: files of others are not believed, and nothing is put among them.
    pub fn new(path: PathBuf, user: u32) -> CacheDirectory {
        CacheDirectory { path, owner: user, limit: USUAL_LIMIT }
    }

    /// The same with room for so many bytes; what was not used for longest goes first.
    pub fn with_limit(self, limit: u64) -> CacheDirectory {
        CacheDirectory { limit, ..self }
    }

    /// The file called `name`, mapped, if there is one that is to be believed.
    pub(crate) fn load(&self, name: &str) -> Option<Image> {
        if !self.is_ours(&fs::symlink_metadata(&self.path).ok()?) {
            return None;
        }
        let file = File::open(self.existing(name)?).ok()?;
        // What was opened, and not what is under that name by now.
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !self.is_ours(&metadata) {
            return None;
        }
        note_use(&file, &metadata);
        Image::map_file(&file).ok()
    }

    /// The path of `name`, if it is a regular file: opening a FIFO would wait, and a link may lead anywhere.
    fn existing(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.join(name);
        fs::symlink_metadata(&path).ok()?.is_file().then_some(path)
    }

    /// Puts a file of these parts under `name`, in place of what is there.
    ///
    /// # Errors
    /// The directory is not ours or cannot be written, or the file is larger than half of the room.
    pub(crate) fn store(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if length > self.limit / 2 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the cache has no room for it"));
        }
        self.make()?;
        eviction::make_room(&self.path, self.limit - length);
        let aside = self.path.join(temporary_name());
        let written = write(&aside, parts).and_then(|()| fs::rename(&aside, self.path.join(name)));
        if written.is_err() {
            // It may not even have been made.
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Makes the directory. Below a home that is another's (sudo(8) may leave `HOME` as it was) nothing is made, since
    /// that one could not write there later.
    fn make(&self) -> io::Result<()> {
        let refused = |why| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        let nearest = self.path.ancestors().find_map(|path| fs::metadata(path).ok());
        if nearest.is_some_and(|metadata| metadata.uid() != self.owner) {
            return refused("the cache would be in another user's home");
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        if self.is_ours(&fs::symlink_metadata(&self.path)?) { Ok(()) } else { refused("others can write to the cache") }
    }

    /// Whether a directory or file is ours alone to write.
    fn is_ours(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.owner && metadata.mode() & WRITABLE_BY_OTHERS == 0
    }
}

fn note_use(file: &File, metadata: &Metadata) {
    let now = SystemTime::now();
    let noted = metadata.modified().ok().and_then(|noted| now.duration_since(noted).ok());
    if noted.is_some_and(|ago| ago > USE_IS_NOTED_EVERY) {
        // On a read-only filesystem nothing is evicted either.
        let _ = file.set_modified(now);
    }
}

/// A name that no other writer has, here or elsewhere.
fn temporary_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    format!("{}.{count}.{nanos}.{}", std::process::id(), eviction::TEMPORARY)
}

fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn cache_in(home: &tempfile::TempDir) -> CacheDirectory {
        CacheDirectory::new(home.path().join("cache"), fs::metadata(home).unwrap().uid())
    }

    #[test]
    fn a_file_comes_back_and_is_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let cache = CacheDirectory { path: home.path().join("a/b"), ..cache_in(&home) };
        assert!(cache.load("one.names").is_none());
        cache.store("one.names", &[b"fi", b"rst"]).unwrap();
        cache.store("one.names", &[b"second"]).unwrap();
        assert_eq!(cache.load("one.names").unwrap().bytes(), b"second");
        let mode = |path: &str| fs::metadata(home.path().join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("a/b"), mode("a/b/one.names")), (0o700, 0o600));
        assert_eq!(fs::read_dir(home.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn what_others_could_have_written_is_not_believed() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache_in(&home);
        cache.store("one.names", &[b"text"]).unwrap();
        let (directory, file) = (home.path().join("cache"), home.path().join("cache/one.names"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(cache.load("one.names").is_none());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(cache.load("one.names").is_some());
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(cache.load("one.names").is_none() && cache.store("one.names", &[b"x"]).is_err());
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&file, directory.join("two.names")).unwrap();
        assert!(cache.load("two.names").is_none());
        let other = CacheDirectory { owner: cache.owner + 1, ..cache };
        assert!(other.load("one.names").is_none() && other.store("one.names", &[b"x"]).is_err());
    }

    #[test]
    fn the_directory_keeps_its_bound_and_forgets_the_oldest() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache_in(&home).with_limit(1000);
        fs::create_dir_all(home.path().join("cache")).unwrap();
        fs::set_permissions(home.path().join("cache"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(home.path().join("cache/notes of mine"), [0; 5000]).unwrap();
        for number in 0..5 {
            cache.store(&format!("{number}.names"), &[&[0; 300]]).unwrap();
            let file = File::open(home.path().join(format!("cache/{number}.names"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number)).unwrap();
        }
        let kept: Vec<bool> = (0..5).map(|number| cache.existing(&format!("{number}.names")).is_some()).collect();
        assert_eq!(kept, [false, false, true, true, true]);
        assert!(cache.existing("notes of mine").is_some(), "only our own files are evicted");
        assert!(cache.store("large.names", &[&[0; 501]]).is_err());
    }
}
