//! The tables of the store's file and the transactions on them.

use std::error::Error;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition, TableError,
};

use super::frozen::Freeze;
use crate::store::engine::{Draft, Engine, View};
use crate::store::{Entry, StoreError};

/// The version of what is in the file. One that is newer than this is refused.
pub(super) const FORMAT: u64 = 1;

const OBJECTS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("objects");
const SECTIONS: TableDefinition<'static, &str, u64> = TableDefinition::new("sections");
pub(super) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
pub(super) const META_FORMAT: &str = "format";
pub(super) const META_REVISION: &str = "revision";

/// Bytes before each value: the revision of the last change and that of the creation, little-endian.
const HEAD_BYTES: usize = 16;

/// Makes an empty file a store and closes it.
pub(super) fn initialize(file: impl StorageBackend) -> Result<(), Box<dyn Error + Send + Sync>> {
    let database = Database::builder().create_with_backend(file)?;
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    transaction.open_table(OBJECTS)?;
    transaction.open_table(SECTIONS)?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_FORMAT, FORMAT)?;
        meta.insert(META_REVISION, 0)?;
    }
    transaction.commit()?;
    Ok(database.close()?)
}

/// The format of a file, `None` if it is not a store.
pub(super) fn stored_format(database: &Database) -> Result<Option<u64>, Box<dyn Error + Send + Sync>> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(meta.get(META_FORMAT)?.map(|format| format.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The tables of an open file, for one writer.
pub(super) struct RedbEngine {
    pub(super) database: Arc<Database>,
    pub(super) freeze: Arc<Freeze>,
}

impl Engine for RedbEngine {
    type View = RedbView;

    fn transact(
        &mut self,
        work: impl FnOnce(&mut dyn Draft) -> Result<Option<u64>, StoreError>,
    ) -> Result<Option<RedbView>, StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed("change"))?;
        transaction.set_quick_repair(true);
        let revision = {
            let objects = transaction.open_table(OBJECTS).map_err(failed("change"))?;
            let sections = transaction.open_table(SECTIONS).map_err(failed("change"))?;
            work(&mut RedbDraft { objects, sections })?
        };
        let Some(revision) = revision else {
            transaction.abort().map_err(failed("change"))?;
            return Ok(None);
        };
        transaction
            .open_table(META)
            .map_err(failed("change"))?
            .insert(META_REVISION, revision)
            .map_err(failed("change"))?;
        transaction.commit().map_err(failed("commit to"))?;
        self.freeze.check().map_err(failed("commit to"))?;
        RedbView::of(&self.database).map(Some)
    }
}

struct RedbDraft<'t> {
    objects: Table<'t, &'static [u8], &'static [u8]>,
    sections: Table<'t, &'static str, u64>,
}

impl Draft for RedbDraft<'_> {
    fn read(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        read_entry(&self.objects, section, key)
    }

    fn write(
        &mut self,
        section: &str,
        key: &str,
        before: Option<&Entry>,
        after: Option<&Entry>,
    ) -> Result<(), StoreError> {
        let row = row(section, key);
        match after {
            Some(entry) => {
                let bytes = HEAD_BYTES + entry.value.len();
                let mut place = self.objects.insert_reserve(row.as_slice(), bytes).map_err(failed("change"))?;
                encode(entry, place.as_mut());
            }
            None => drop(self.objects.remove(row.as_slice()).map_err(failed("change"))?),
        }
        match (before, after) {
            (None, Some(_)) => self.add(section, 1),
            (Some(_), None) => self.add(section, -1),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }
}

impl RedbDraft<'_> {
    fn add(&mut self, section: &str, entries: i64) -> Result<(), StoreError> {
        let before = self.sections.get(section).map_err(failed("change"))?.map_or(0, |count| count.value());
        match before.saturating_add_signed(entries) {
            0 => drop(self.sections.remove(section).map_err(failed("change"))?),
            count => drop(self.sections.insert(section, count).map_err(failed("change"))?),
        }
        Ok(())
    }
}

/// The tables as one transaction left them. Their pages stay until the view is dropped.
pub(super) struct RedbView {
    revision: u64,
    objects: ReadOnlyTable<&'static [u8], &'static [u8]>,
    sections: ReadOnlyTable<&'static str, u64>,
    // The tables can be read only while the database is open.
    _database: Arc<Database>,
}

impl RedbView {
    pub(super) fn of(database: &Arc<Database>) -> Result<Self, StoreError> {
        let transaction = database.begin_read().map_err(failed("read"))?;
        let meta = transaction.open_table(META).map_err(failed("read"))?;
        Ok(Self {
            revision: meta.get(META_REVISION).map_err(failed("read"))?.map_or(0, |revision| revision.value()),
            objects: transaction.open_table(OBJECTS).map_err(failed("read"))?,
            sections: transaction.open_table(SECTIONS).map_err(failed("read"))?,
            _database: Arc::clone(database),
        })
    }
}

impl View for RedbView {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn get(&self, section: &str, key: &str) -> Result<Option<Entry>, StoreError> {
        read_entry(&self.objects, section, key)
    }

    fn scan(&self, section: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, Entry)>, StoreError> {
        let first = row(section, after.unwrap_or_default());
        // The byte after the NUL that ends the section's name.
        let mut end = section.as_bytes().to_vec();
        end.push(1);
        let bounds = (Bound::Excluded(first.as_slice()), Bound::Excluded(end.as_slice()));
        let rows = self.objects.range::<&[u8]>(bounds).map_err(failed("read"))?;
        let mut page = Vec::new();
        for found in rows.take(limit) {
            let (row, stored) = found.map_err(failed("read"))?;
            page.push((key_of(row.value())?, decode(row.value(), stored.value())?));
        }
        Ok(page)
    }

    fn count(&self, section: &str) -> Result<u64, StoreError> {
        Ok(self.sections.get(section).map_err(failed("read"))?.map_or(0, |count| count.value()))
    }

    fn sections(&self) -> Result<Vec<String>, StoreError> {
        let sections = self.sections.iter().map_err(failed("read"))?;
        sections.map(|found| found.map(|(name, _)| name.value().to_owned()).map_err(failed("read"))).collect()
    }
}

fn read_entry(
    objects: &impl ReadableTable<&'static [u8], &'static [u8]>,
    section: &str,
    key: &str,
) -> Result<Option<Entry>, StoreError> {
    let row = row(section, key);
    let stored = objects.get(row.as_slice()).map_err(failed("read"))?;
    stored.map(|stored| decode(&row, stored.value())).transpose()
}

/// The key of `objects`. A batch's names hold no NUL, so a name that does never meets a row of another.
fn row(section: &str, key: &str) -> Vec<u8> {
    [section.as_bytes(), key.as_bytes()].join(&0)
}

fn key_of(row: &[u8]) -> Result<String, StoreError> {
    let start = row.iter().position(|byte| *byte == 0).map(|nul| nul + 1);
    let key = start.and_then(|start| row.get(start..)).and_then(|key| str::from_utf8(key).ok());
    key.map(str::to_owned).ok_or_else(|| damaged(row))
}

fn encode(entry: &Entry, place: &mut [u8]) {
    let (head, value) = place.split_at_mut(HEAD_BYTES);
    let (revision, created) = head.split_at_mut(HEAD_BYTES / 2);
    revision.copy_from_slice(&entry.revision.to_le_bytes());
    created.copy_from_slice(&entry.created.to_le_bytes());
    value.copy_from_slice(&entry.value);
}

fn decode(row: &[u8], stored: &[u8]) -> Result<Entry, StoreError> {
    let parts = stored.split_first_chunk().and_then(|(revision, rest)| Some((revision, rest.split_first_chunk()?)));
    let (revision, (created, value)) = parts.ok_or_else(|| damaged(row))?;
    Ok(Entry {
        // Copied, because a page that somebody holds could not be used again.
        value: Bytes::copy_from_slice(value),
        revision: u64::from_le_bytes(*revision),
        created: u64::from_le_bytes(*created),
    })
}

fn damaged(row: &[u8]) -> StoreError {
    StoreError::Damaged { name: row.escape_ascii().to_string().replace("\\x00", "/") }
}

fn failed<E: Error + Send + Sync + 'static>(doing: &'static str) -> impl FnOnce(E) -> StoreError {
    move |source| StoreError::Engine { doing, source: source.into() }
}
