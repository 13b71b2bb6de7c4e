//! The log of a collection and the file of a backup: whatever they contain, they are read or
//! refused. A refused file is left as it was; a file that was read can be used, closed and read
//! again. Where the values of a vector are damaged, the calls that read them are refused.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use vectorizer_native::{
    collection::{
        Access, Batch, Collection, DeleteOptions, SearchOptions, StoreParts, dimension_of,
    },
    error::Error,
    storage::{
        Files, Fsync, Head, Health, KEY, KEYRING, Key, Keys, Kind, Label, NAME, RECORDS, Record,
        Sealed, Source, StoreKeys, TableKey, checksum, preamble, restore, verify,
    },
    vectors::{Codes, Times},
};

use super::bytes::Bytes;

const BLOCK: usize = 4096;
const HEADER: usize = 64;

/// The store key.
fn key() -> Key {
    Key::from([7; KEY])
}

/// The key that masks the keys of a log, or of a backup's n-th collection.
fn table(number: u32) -> TableKey {
    let mut name = [0; NAME];
    name[..4].copy_from_slice(&number.to_le_bytes());
    TableKey::new(name, number, key())
}

/// A made-up file, and the keys of its entries.
struct Writing {
    file: Vec<u8>,
    table: TableKey,
    keys: Vec<u8>,
    settings: String,
    dimension: usize,
}

impl Writing {
    fn new(file: Vec<u8>) -> Self {
        Self {
            file,
            table: table(1),
            keys: Vec::new(),
            settings: String::new(),
            dimension: 1,
        }
    }
}

pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    match bytes.byte() % 4 {
        0 => check_log(&Writing::new(bytes.0.to_vec())),
        1 => {
            let mut file = vec![0; RECORDS as usize];
            file[..20].copy_from_slice(&preamble(b"VECLOG\r\n"));
            let marks = [bytes.take(4), bytes.take(4)];
            let mut log = Writing::new(file);
            choose_settings(&mut log, &mut bytes);
            let ends = push_records(&mut log, &mut bytes);
            for (i, choices) in marks.into_iter().enumerate() {
                let mark = mark(&mut Bytes(choices), &ends);
                log.file[BLOCK * (1 + i)..][..mark.len()].copy_from_slice(&mark);
            }
            check_log(&log);
        }
        2 => check_backup(bytes.0),
        _ => {
            let mut file = preamble(b"VECBAK\r\n").to_vec();
            file.resize(148, 0);
            file[36..36 + KEY].copy_from_slice(key().bytes());
            let sum = checksum(&file);
            file.extend(sum.to_le_bytes());
            let mut backup = Writing::new(file);
            for number in 1.. {
                if bytes.is_empty() {
                    break;
                }
                backup.table = table(number);
                backup.keys.clear();
                choose_settings(&mut backup, &mut bytes);
                let settings = backup.table.seal_settings(&backup.settings).unwrap();
                push_data(&mut backup.file, Kind::Config, &settings);
                push_records(&mut backup, &mut bytes);
            }
            check_backup(&backup.file);
        }
    }
}

/// A separate directory for every thread that runs inputs, in memory where possible.
fn directory() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static NUMBER: u64 = COUNT.fetch_add(1, Ordering::Relaxed);
    }
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    let number = NUMBER.with(|number| *number);
    parent.join(format!("vectorizer-fuzz-{}-{number}", std::process::id()))
}

pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Self {
        let path = directory();
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn push_text(file: &mut Vec<u8>, kind: Kind, text: &str) {
    let (record, data) = Record::of_text(kind, text);
    file.extend(record.encode());
    file.extend(data);
}

fn push_data(file: &mut Vec<u8>, kind: Kind, data: &[u8]) {
    file.extend(Record::of_data(kind, data.len()).encode());
    file.extend(data);
}

fn choose_settings(writing: &mut Writing, bytes: &mut Bytes<'_>) {
    let choice = bytes.byte();
    let dimension = match choice {
        255 => 65_535,
        254 => 65_536,
        253 => 0,
        choice => u32::from(choice % 4) + 1,
    };
    let metric = ["cosine", "euclidean", "dot_product", "none"][bytes.below(4)];
    let created_at = bytes.number() as i64;
    let text = format!(
        r#"{{"name":"n","dimension":{dimension},"metric":"{metric}","m":16,"ef_construction":100,"ef_search":80,"created_at":{created_at}}}"#
    );
    let mut text = text.into_bytes();
    if choice == 252 {
        text = bytes.take(200).to_vec();
    }
    let text = String::from_utf8_lossy(&text);
    // Usually as in the settings; if not, the lengths do not add up.
    writing.dimension = dimension.clamp(1, 4) as usize;
    writing.settings = text.into_owned();
}

/// Appends records, and returns the offset at which each ends.
fn push_records(writing: &mut Writing, bytes: &mut Bytes<'_>) -> Vec<u64> {
    let mut ends = vec![writing.file.len() as u64];
    while !bytes.is_empty() {
        let begin = writing.file.len();
        let choice = bytes.byte();
        if let 0..160 | 215.. = choice {
            push_commit(writing, bytes);
        }
        let Writing { file, keys, .. } = writing;
        match choice {
            // Most of the records that a collection writes.
            0..160 => {}
            160..165 => push_text(file, Kind::Config, "{}"),
            165..170 => push_data(file, Kind::Keys, &keys[keys.len() / 2..]),
            170..180 => {
                let choice = bytes.below(4);
                let text = format!(r#"{{"collections":{choice},"vectors":{}}}"#, bytes.byte());
                push_text(file, Kind::Done, &text);
            }
            180..190 => {
                // Of a collection in memory. Without this, no backup would be read any further.
                let copied = writing.table.seal(b"COPY", vec![0; 32]).unwrap();
                push_data(file, Kind::Copied, &copied);
                let mut keys = keys.clone();
                writing.table.mask(0, &mut keys).unwrap();
                push_data(file, Kind::Keys, &keys);
                ends.push(file.len() as u64);
                return ends;
            }
            190..200 => file.extend(bytes.take(100)),
            200..215 => file.extend([0; 100]),
            choice => {
                let record = &mut file[begin..];
                match choice {
                    215..225 => record[..4].copy_from_slice(b"????"),
                    225..235 => {
                        record[4..8].copy_from_slice(&(bytes.number() as u32).to_le_bytes());
                    }
                    235..240 => {
                        record[8..12].copy_from_slice(&(bytes.number() as u32).to_le_bytes());
                    }
                    240..245 => record[40..48].copy_from_slice(&bytes.number().to_le_bytes()),
                    _ => {
                        let cut = record.len() * bytes.below(8) / 8;
                        file.truncate(begin + cut);
                        ends.push(file.len() as u64);
                        continue;
                    }
                }
                let sum = checksum(&record[..HEADER - 8]);
                record[HEADER - 8..HEADER].copy_from_slice(&sum.to_le_bytes());
            }
        }
        ends.push(file.len() as u64);
    }
    ends
}

fn push_commit(writing: &mut Writing, bytes: &mut Bytes<'_>) {
    let dimension = writing.dimension;
    let (sequence, next_key) = (bytes.number(), bytes.number());
    let time = bytes.number() as i64;
    let removed = (0..bytes.below(4)).map(|_| bytes.number()).collect();
    let mut entries = Vec::new();
    let (mut data, mut all_values) = (Vec::new(), Vec::new());
    for _ in 0..bytes.below(4) {
        let (key, order) = (bytes.number(), bytes.number());
        let kind = bytes.byte();
        let row: Vec<f32> = (0..dimension).map(|_| value(bytes.byte())).collect();
        let id = String::from_utf8_lossy(bytes.take(1 + bytes_below(kind, 2))).into_owned();
        let metadata = match kind & 0b1100 {
            0 => None,
            0b0100 => Some(r#"{"a":1}"#),
            _ => Some(""),
        };
        let text = (kind & 0b1_0000 != 0).then_some("text");
        let mut head = Head {
            key,
            order,
            id: id.len() as u32,
            metadata: metadata.map(|text| text.len() as u32),
            text: text.map(|text| text.len() as u32),
        };
        let codes = Codes::of(&row, dimension);
        let mut sealed = Sealed::new(writing.table.name, 1).unwrap();
        let label = Label {
            times: Times::default(),
            id: &id,
            metadata,
        };
        let pushed = sealed.push(&head, &row, codes.get(0), &label, text);
        pushed.unwrap();
        let [mut outline, mut values] = sealed.parts().map(<[u8]>::to_vec);
        let mut key = sealed.keys().to_vec();
        match kind >> 5 {
            0..5 => {}
            5 => key.fill(0),
            6 => {
                let at = bytes.number() as usize % (outline.len() + values.len());
                match at.checked_sub(outline.len()) {
                    Some(at) => values[at] ^= 1,
                    None => outline[at] ^= 1,
                }
            }
            _ => key[..16].fill(0),
        }
        data.extend(outline);
        all_values.extend(values);
        writing.keys.extend(key);
        if kind == 159 {
            // Other lengths with the same sum.
            (head.id, head.text) = (head.text.unwrap_or(0), Some(head.id));
        } else if kind == 158 {
            head.id = bytes.number() as u32;
            head.metadata = Some(bytes.number() as u32);
        }
        entries.push(head);
    }
    data.extend(all_values);
    let record = Record {
        kind: Kind::Commit,
        ttl: 0,
        sequence,
        next_key,
        time,
        removed,
        entries,
        data: data.len() as u64,
    };
    writing.file.extend(record.encode());
    writing.file.extend(data);
}

fn bytes_below(kind: u8, bound: u8) -> usize {
    usize::from(kind % bound)
}

fn value(byte: u8) -> f32 {
    match byte {
        255 => f32::NAN,
        254 => f32::INFINITY,
        253 => f32::MAX,
        252 => 1e-44,
        byte => f32::from(byte as i8),
    }
}

/// The id of this boot of the system, as checkpoints contain it.
fn this_boot() -> u128 {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    u128::from_str_radix(&id.trim().replace('-', ""), 16).unwrap_or(0)
}

fn mark(bytes: &mut Bytes<'_>, ends: &[u64]) -> Vec<u8> {
    let turn = bytes.number();
    let end = match bytes.byte() {
        255 => u64::MAX,
        254 => 0,
        253 => RECORDS,
        252 => ends[0] - 1,
        choice => ends[usize::from(choice) % ends.len()],
    };
    let choice = bytes.byte();
    let boot_id = match choice % 3 {
        0 => this_boot(),
        1 => 1,
        _ => 0,
    };
    let mut mark = Vec::new();
    mark.extend(turn.to_le_bytes());
    mark.extend(end.to_le_bytes());
    mark.extend(boot_id.to_le_bytes());
    mark.extend([choice >> 7, 0, 0, 0]);
    let sum = checksum(&mark) ^ u64::from(choice % 16 == 15);
    mark.extend(sum.to_le_bytes());
    mark
}

fn check_log(log: &Writing) {
    let directory = Directory::new();
    let path = directory.0.join("log.1");
    fs::write(&path, &log.file).unwrap();
    let keys = directory.0.join("keys.1");
    let (table, settings) = (log.table.clone(), &log.settings);
    let made = Keys::create(&Files::default(), &keys, &key(), table, settings, None);
    made.unwrap().write(0, &log.keys).unwrap();
    let table = fs::read(&keys).unwrap();
    let collection = match open(&directory.0, &key()) {
        Ok(collection) => collection,
        Err(error) => {
            assert!(matches!(error, Error::Storage(_)), "{error}");
            assert_eq!(fs::read(&path).unwrap(), log.file, "refused: {error}");
            assert_eq!(fs::read(&keys).unwrap(), table, "refused: {error}");
            return;
        }
    };
    let before = count(&collection);
    use_it(&collection);
    let after = (count(&collection), contents(&collection));
    collection.close().unwrap();
    drop(collection);
    let collection = open(&directory.0, &key()).expect("what was closed is opened");
    assert_eq!((count(&collection), contents(&collection)), after);
    assert!(before.abs_diff(after.0) <= 2);
}

fn open(directory: &Path, store: &Key) -> Result<Arc<Collection>, Error> {
    let keys = StoreKeys::new(store.clone().into(), None);
    let parts = StoreParts::new(Fsync::No, Arc::<Health>::default(), keys);
    Collection::open(&Files::default(), directory, &parts)
}

fn count(collection: &Collection) -> usize {
    collection.count(Access::Wait, None).unwrap()
}

/// What a call has read; `None` if it had to read values that are damaged.
fn read<T>(called: Result<T, Error>) -> Option<T> {
    if let Err(error) = &called {
        assert!(matches!(error, Error::Storage(_)), "{error}");
    }
    called.ok()
}

type Row = (String, Vec<u32>, Option<Box<str>>, Option<Box<str>>);

/// `None` if the values of a vector are damaged: opening a collection does not read them.
fn contents(collection: &Collection) -> Option<Vec<Row>> {
    let page = read(collection.list(0, usize::MAX))?;
    assert_eq!(page.total, page.vectors.len());
    let rows = page.vectors.into_iter();
    let rows = rows.map(|item| {
        assert!(collection.get(Access::Wait, &item.id).is_ok());
        let row = item.data.unwrap_or_default();
        (
            item.id.to_string(),
            row.iter().map(|x| x.to_bits()).collect(),
            item.metadata,
            item.text,
        )
    });
    Some(rows.collect())
}

fn use_it(collection: &Arc<Collection>) {
    let dimension = collection.config().dimension;
    let is_damaged = contents(collection).is_none();
    let found = read(collection.search(vec![1.0; dimension], &SearchOptions::default()));
    match found {
        Some(found) => assert_eq!(found.len(), count(collection).min(10)),
        None => assert!(is_damaged),
    }
    collection.info(Access::Wait).unwrap();
    // Nothing is left of what was removed before, nor of what is removed now.
    let verify = |ids: &[String]| {
        let mut found = collection.verify_erased(ids).unwrap();
        found.retain(|one| !(is_damaged && one.reason == "a vector that its key does not open"));
        assert_eq!(found, []);
    };
    let first = read(collection.list(0, 1));
    assert!(first.is_some() || is_damaged);
    for item in first.into_iter().flat_map(|page| page.vectors) {
        let plain = DeleteOptions::default();
        collection
            .delete_one(Access::Wait, &item.id, &plain)
            .unwrap();
        verify(&[item.id.to_string()]);
    }
    for id in ["new", "new", "newer"] {
        let batch = Batch {
            ids: vec![Some(id.into())],
            data: vec![1.0; dimension],
            lengths: vec![dimension as u32],
            ..Batch::default()
        };
        let mut batch = collection.prepare(batch).unwrap();
        collection.insert(Access::Wait, &mut batch).unwrap();
    }
    verify(&[]);
}

fn check_backup(file: &[u8]) {
    let directory = Directory::new();
    let (path, store) = (directory.0.join("backup"), directory.0.join("store"));
    fs::write(&path, file).unwrap();
    let files = Files::default();
    match verify(
        &files,
        &path,
        Source::default(),
        None,
        dimension_of,
        |_, _| (),
    ) {
        Err(error) => assert!(matches!(error, Error::Storage(_)), "{error}"),
        Ok(verified) => {
            restore(
                &files,
                &path,
                &store,
                Source::default(),
                None,
                dimension_of,
                |_, _| (),
            )
            .unwrap();
            let keyring = fs::read(store.join(KEYRING)).unwrap();
            let key = Key::of(&keyring[36..36 + KEY]).unwrap();
            let mut vectors = 0;
            for number in 1..=verified.collections {
                let directory = store.join(format!("collection-{number}"));
                match open(&directory, &key) {
                    Ok(collection) => vectors += contents(&collection).unwrap().len() as u64,
                    // Two vectors have the same id.
                    Err(error) => {
                        assert!(matches!(error, Error::Storage(_)), "{error}");
                        return;
                    }
                }
            }
            assert_eq!(vectors, verified.vectors);
        }
    }
    assert_eq!(fs::read(&path).unwrap(), file);
}
