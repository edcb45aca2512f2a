//! Joins the shards of a study: the folders of their networks together are those of the whole study.

use crate::error::{Result, StudyError};
use crate::run::{Options, Outcome, run};
use crate::spec::Study;
use crate::store::Store;
use crate::units::Units;
use phaseloom_files::FileError;
use std::fs::{copy, create_dir_all, read_dir};
use std::path::{Path, PathBuf};

/// Copies the finished networks of some folders into one, which may be one of them. `study` is that of the first.
///
/// # Errors
///
/// A folder of another study; networks that are in none of the folders; files that cannot be read or written.
pub fn merge<'a>(study: &'a Study, folders: &[PathBuf], into: &Path) -> Result<Outcome<'a>> {
    let units = Units::read(study)?;
    let whole = Store::open(into, study, &units)?;
    let lock = whole.lock()?;
    let parts = folders.iter().map(|folder| Store::open(folder, study, &units)).collect::<Result<Vec<_>>>()?;
    let mut missing = Vec::new();
    for (index, unit) in units.all().enumerate() {
        let key = (unit, units.seed(unit));
        for part in &parts {
            if part.result(index, key)?.is_some() && whole.result(index, key)?.is_none() {
                copy_all(&part.network(index), &whole.network(index))?;
            }
        }
        if whole.result(index, key)?.is_none() {
            missing.push(units.place(unit));
        }
    }
    drop(lock);
    match missing.first() {
        Some(first) => {
            let (count, first) = (missing.len(), first.clone());
            Err(StudyError::Missing { path: into.to_owned(), count, first })
        }
        None => run(study, into, &Options::default()),
    }
}

/// Copies a folder; its own files come last and its result last of all, so that an interrupted copy counts as nothing.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| StudyError::from(FileError::Io { path, source })
    };
    create_dir_all(to).map_err(io(to))?;
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in read_dir(from).map_err(io(from))? {
        entries.push(entry.map_err(io(from))?.path());
    }
    entries.sort_by_key(|path| (path.is_file(), path.clone()));
    for path in entries {
        let target = to.join(path.file_name().unwrap_or_default());
        match path.is_dir() {
            true => copy_all(&path, &target)?,
            false => copy(&path, &target).map(|_| ()).map_err(io(&path))?,
        }
    }
    Ok(())
}
