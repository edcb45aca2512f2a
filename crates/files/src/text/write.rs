//! Atomic writing: no reader sees half of a file, or some of several files.

use super::check_output;
use crate::error::FileError;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ending of the temporary files, after the number of the process.
const PART: &str = ".part";

/// Writes a file under a temporary name in the same folder, syncs and renames it, so that no reader sees half of it.
///
/// A symbolic link is kept: the file that it names is replaced. A device or a pipe (`/dev/null`) is written directly.
///
/// # Errors
///
/// [`FileError::Io`] with the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_together(&[(path, bytes)])
}

/// Writes several files as [`write_atomically`] writes one: all of them, or none if one cannot be written.
///
/// All have their temporary names before the first is renamed. Only a folder that changes during the renaming leaves a part
/// of the files.
///
/// # Errors
///
/// [`FileError::Io`] with the path of the file that cannot be written.
pub fn write_together(files: &[(&Path, &[u8])]) -> Result<(), FileError> {
    files.iter().try_for_each(|(path, _)| check_output(path))?;
    let parts = files.iter().map(|(path, bytes)| Part::new(path, bytes)).collect::<Result<Vec<_>, _>>()?;
    parts.into_iter().try_for_each(Part::rename)
}

/// A file under its temporary name, which goes with it unless it is renamed.
struct Part {
    temporary: PathBuf,
    target: PathBuf,
}

impl Part {
    /// Writes and syncs the temporary file; a device at once, which has none.
    fn new(path: &Path, bytes: &[u8]) -> Result<Option<Self>, FileError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let io_error = |source| FileError::Io { path: path.to_owned(), source };
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file = std::fs::OpenOptions::new().write(true).open(path);
            return file.and_then(|mut file| file.write_all(bytes)).map(|()| None).map_err(io_error);
        }
        let target = if path.is_symlink() { std::fs::canonicalize(path).map_err(io_error)? } else { path.to_owned() };
        let name = target.file_name().ok_or_else(|| io_error(std::io::Error::other("expected a file name")))?;
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}-{}{PART}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        // From here on, an error removes the incomplete file.
        let part = Self { temporary: target.with_file_name(temporary), target };
        let write = || {
            let mut file = std::fs::File::create(&part.temporary)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|source| FileError::Io { path: part.target.clone(), source })?;
        Ok(Some(part))
    }

    /// Gives a file its name.
    fn rename(part: Option<Self>) -> Result<(), FileError> {
        let Some(part) = part else { return Ok(()) };
        std::fs::rename(&part.temporary, &part.target)
            .map_err(|source| FileError::Io { path: part.target.clone(), source })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // A renamed file is no longer there.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Removes the temporary files that [`write_atomically`] left in a folder when its process was killed.
///
/// For the holder of the folder: files of other processes that are alive stay, those of this process go.
///
/// # Errors
///
/// [`FileError::Io`] if the folder cannot be read, or a file cannot be removed.
pub fn remove_stale_parts(folder: &Path) -> Result<(), FileError> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if process_of_part(&name).is_some_and(|id| id == std::process::id() || !is_alive(id)) {
            std::fs::remove_file(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

/// The process that wrote a temporary file: `name.PROCESS-NUMBER.part`.
fn process_of_part(name: &str) -> Option<u32> {
    let (_, numbers) = name.strip_suffix(PART)?.rsplit_once('.')?;
    let (process, number) = numbers.split_once('-')?;
    number.parse::<u64>().ok()?;
    process.parse().ok()
}

/// Whether a process is alive, as far as the system can say.
fn is_alive(process: u32) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, test_kill_process};
        let id = i32::try_from(process).ok().and_then(Pid::from_raw);
        // A process that may not be signalled is alive.
        id.is_some_and(|id| test_kill_process(id) != Err(rustix::io::Errno::SRCH))
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_written_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::fs::write(&first, "old").unwrap();
        std::fs::create_dir(&second).unwrap();
        let files: [(&Path, &[u8]); 2] = [(&first, b"new"), (&second, b"new")];
        assert!(write_together(&files).unwrap_err().to_string().contains("second"));
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "old");
        std::fs::remove_dir(&second).unwrap();
        write_together(&files).unwrap();
        assert!([&first, &second].iter().all(|path| std::fs::read_to_string(path).unwrap() == "new"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn temporary_files_of_dead_processes_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let kept = ["thesis.part".to_owned(), "a.1-x.part".into(), format!("a.csv.{}-0.part", 1), "a.csv".into()];
        let gone = [format!("a.csv.{dead}-0.part"), format!("b.{}-17.part", std::process::id())];
        for name in kept.iter().chain(&gone) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        remove_stale_parts(folder.path()).unwrap();
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        assert!(!gone.iter().any(|name| folder.path().join(name).exists()));
    }
}
