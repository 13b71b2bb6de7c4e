//! Rows and texts that are in the files only, and what happens when they cannot be read.

use std::{collections::BTreeMap, fs::File, path::Path, sync::Arc};

use vectorizer_native::{
    collection::{Access, Batch, Collection, Config, DeleteOptions, Update},
    error::Error,
    filter,
    graph::HnswParams,
    storage::{Files, Fsync, RECORDS, Record},
    vectors::Metric,
};

use crate::{
    script::*,
    support::{Random, WAIT, insert, nearest, optimize, plain, search, walk},
};

const TEXT: usize = 1000;

fn open(path: &Path) -> Session {
    Session::open(&Files::default(), path, Fsync::No, path).unwrap()
}

fn create(session: &Session, metric: Metric) -> Arc<Collection> {
    let config = Config {
        name: "rows".into(),
        dimension: DIMENSION,
        metric,
        hnsw: HnswParams::default(),
        description: None,
    };
    session.call().create_collection(config).unwrap()
}

fn opened(session: &Session) -> Arc<Collection> {
    session.call().collection("rows").unwrap()
}

/// Inserts vectors with a text each.
fn insert_texts(collection: &Arc<Collection>, count: usize) {
    let mut random = Random(1);
    let batch = Batch {
        ids: (0..count).map(|i| Some(format!("v{i}"))).collect(),
        data: random.vector(DIMENSION * count),
        lengths: vec![DIMENSION as u32],
        texts: (0..count)
            .map(|i| Some(format!("{i:0TEXT$}").into()))
            .collect(),
        ..Batch::default()
    };
    let mut prepared = collection.prepare(batch).unwrap();
    collection.insert(WAIT, &mut prepared).unwrap();
}

#[test]
fn neither_rows_nor_texts_take_memory() {
    const COUNT: usize = 4000;
    let directory = directory();
    let in_memory = crate::support::collection(DIMENSION, Metric::Euclidean);
    insert_texts(&in_memory, COUNT);
    optimize(&in_memory);
    let bytes = |collection: &Collection| collection.info(WAIT).unwrap().memory_bytes;
    let saved = COUNT * (TEXT + 4 * DIMENSION);
    let check = |collection: &Collection, when: &str| {
        let (held, all) = (bytes(collection), bytes(&in_memory));
        assert!(held + saved * 9 / 10 < all, "{when}: {held} of {all}");
    };
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    insert_texts(&collection, COUNT);
    check(&collection, "inserted");
    optimize(&collection);
    check(&collection, "with a graph");
    for i in 0..200 {
        let update = Update {
            text: (i % 2 == 0).then(|| "x".repeat(TEXT).into()),
            metadata: Some("{}".into()),
            ..Update::default()
        };
        collection.update(WAIT, &format!("v{i}"), &update).unwrap();
    }
    check(&collection, "updated");
    drop(collection);
    session.close().unwrap();
    let session = open(directory.path());
    let collection = opened(&session);
    check(&collection, "opened");
    let mut random = Random(1);
    for i in 0..COUNT {
        let item = collection.get(WAIT, &format!("v{i}")).unwrap();
        assert_eq!(item.data.unwrap(), random.vector(DIMENSION));
        let text = match i {
            i if i < 200 && i % 2 == 0 => "x".repeat(TEXT),
            i => format!("{i:0TEXT$}"),
        };
        assert_eq!(item.text.as_deref(), Some(&*text));
    }
    session.close().unwrap();
}

/// Rows that 8-bit codes do not tell apart: every coordinate is around 100.
fn coarse(seed: u64, count: usize) -> Vec<(String, Vec<f32>)> {
    let mut random = Random(seed);
    let mut row = || (0..DIMENSION).map(|_| 100.0 + random.normal()).collect();
    (0..count).map(|i| (format!("{seed}-{i}"), row())).collect()
}

/// The fraction of the 10 nearest that walks find.
fn recall(collection: &Collection, rows: &[(String, Vec<f32>)]) -> f64 {
    let mut hits = 0;
    let queries = coarse(7, 40);
    for (_, query) in &queries {
        let all = rows.iter().map(|(id, row)| (&**id, &**row));
        let wanted = nearest(Metric::Euclidean, all, query, 10);
        let found = walk(collection, query, 10);
        hits += found
            .iter()
            .filter(|item| wanted.iter().any(|id| **id == *item.id))
            .count();
    }
    hits as f64 / (10 * queries.len()) as f64
}

#[test]
fn vectors_with_codes_that_are_too_coarse_are_found_through_every_change() {
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    let check = |collection: &Arc<Collection>, rows: &[(String, Vec<f32>)], when: &str| {
        let recall = recall(collection, rows);
        assert!(recall >= 0.95, "{when}: {recall}");
        for (id, row) in rows.iter().step_by(97) {
            let item = collection.get(WAIT, id).unwrap();
            assert_eq!(item.data.as_ref(), Some(row), "{when}: {id}");
        }
        let residues = collection.verify_erased(&[]).unwrap();
        assert!(residues.is_empty(), "{when}: {residues:?}");
    };
    let mut rows = coarse(1, 2000);
    insert(&collection, &rows);
    optimize(&collection);
    check(&collection, &rows, "built");
    let later = coarse(2, 500);
    insert(&collection, &later);
    rows.extend(later);
    optimize(&collection);
    check(&collection, &rows, "grown");
    let gone: Vec<String> = rows.drain(..1000).map(|(id, _)| id).collect();
    collection.delete_many(WAIT, &gone, &plain()).unwrap();
    optimize(&collection);
    check(&collection, &rows, "deleted");
    drop(collection);
    session.close().unwrap();
    let mut session = open(directory.path());
    check(&opened(&session), &rows, "opened");
    // Ordinary rows take their place, which codes tell apart. The background may still be deciding
    // about the former ones when it is done, and is then wrong until the next time.
    let mut random = Random(3);
    for attempt in 0.. {
        let collection = opened(&session);
        let gone: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
        collection.delete_many(WAIT, &gone, &plain()).unwrap();
        rows = (0..2000)
            .map(|i| (format!("n{attempt}.{i}"), random.vector(DIMENSION)))
            .collect();
        insert(&collection, &rows);
        optimize(&collection);
        for (id, row) in rows.iter().step_by(41) {
            assert_eq!(*search(&collection, row, 1)[0].id, **id);
        }
        let bytes = collection.info(WAIT).unwrap().memory_bytes;
        drop(collection);
        session.close().unwrap();
        session = open(directory.path());
        // As much as a collection that never held rows, and some capacity.
        let anew = opened(&session).info(WAIT).unwrap().memory_bytes;
        if bytes < anew + 2000 * 2 * DIMENSION {
            break;
        }
        assert!(attempt < 10, "{bytes}, {anew}");
    }
    session.close().unwrap();
}

#[test]
fn a_damaged_vector_fails_the_calls_that_read_it_and_no_others() {
    const COUNT: usize = 3;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    let mut random = Random(5);
    let rows: Vec<_> = (0..COUNT)
        .map(|i| (format!("v{i}"), random.vector(DIMENSION)))
        .collect();
    for row in &rows {
        insert(&collection, std::slice::from_ref(row));
    }
    let path = collection.directory().unwrap().join("log.1");
    let end = path.metadata().unwrap().len();
    let mut failures = [0; COUNT];
    for at in RECORDS..end {
        flip(&path, at);
        let mut failed = 0;
        for (i, (id, row)) in rows.iter().enumerate() {
            match collection.get(WAIT, id) {
                Ok(item) => assert_eq!(item.data.as_ref(), Some(row)),
                Err(Error::Storage(message)) => {
                    let name = path.display().to_string();
                    assert!(message.contains(&name), "{message}");
                    assert!(message.contains("is damaged"), "{message}");
                    failures[i] += 1;
                    failed += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(failed <= 1, "byte {at}: {failed}");
        let all = collection.search(rows[0].1.clone(), &Default::default());
        assert_eq!(all.is_err(), failed > 0, "byte {at}");
        assert_eq!(collection.count(WAIT, None).unwrap(), COUNT);
        flip(&path, at);
    }
    // Each byte of a row and its tag, and nothing else.
    assert_eq!(failures, [4 * DIMENSION + 16; COUNT]);
    // What is damaged can be deleted.
    flip(&path, end - 1);
    assert!(collection.get(WAIT, "v2").is_err());
    collection.delete_one(WAIT, "v2", &plain()).unwrap();
    let left = collection.search(rows[0].1.clone(), &Default::default());
    assert_eq!(left.unwrap().len(), 2);
    session.close().unwrap();
}

#[test]
fn a_dry_run_shows_the_beginnings_of_texts_on_disk_and_fails_where_one_is_damaged() {
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    insert_texts(&collection, 3);
    let all = filter::parse_text(r#"{"must":[{"has_id":["v0","v1","v2"]}]}"#).unwrap();
    let dry = |rows| {
        let options = DeleteOptions {
            dry_run: true,
            rows,
            ..plain()
        };
        collection.delete_matching(&all, &options)
    };
    let shown = dry(Some(3)).unwrap().rows.unwrap();
    assert_eq!(shown.len(), 3);
    for (i, item) in shown.iter().enumerate() {
        assert_eq!(&*item.id, format!("v{i}"));
        let whole = collection.get(WAIT, &item.id).unwrap().text.unwrap();
        assert_eq!(item.text.as_deref(), Some(&whole[..200]));
    }

    // The values of the last vector are at the end of the file.
    let path = collection.directory().unwrap().join("log.1");
    flip(&path, path.metadata().unwrap().len() - 1);
    let error = dry(Some(3)).unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error:?}");
    assert_eq!(error, collection.get(WAIT, "v2").unwrap_err());
    assert_eq!(dry(Some(2)).unwrap().rows.unwrap(), shown[..2]);
    assert_eq!(dry(None).unwrap().matched.len(), 3);
    session.close().unwrap();
}

#[test]
fn what_must_not_wait_for_a_disk_gets_the_vector_or_learns_that_it_would_wait() {
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Cosine);
    insert_texts(&collection, 10);
    let row = collection.get(WAIT, "v3").unwrap().data.unwrap();
    match collection.get(Access::Now, "v3") {
        Ok(item) => assert_eq!(item, collection.get(WAIT, "v3").unwrap()),
        Err(error) => assert!(matches!(error, Error::WouldBlock), "{error:?}"),
    }
    // Of many collections only some have their files open, whatever is scrubbed meanwhile.
    let create_another = |number| {
        let config = Config {
            name: format!("other-{number}"),
            dimension: 1,
            metric: Metric::Cosine,
            hnsw: HnswParams::default(),
            description: None,
        };
        session.call().create_collection(config).unwrap();
    };
    let now = (0..10).find_map(|round| {
        (300 * round..300 * (round + 1)).for_each(create_another);
        collection.get(Access::Now, "v3").err()
    });
    assert!(matches!(now, Some(Error::WouldBlock)), "{now:?}");
    assert_eq!(collection.get(WAIT, "v3").unwrap().data, Some(row));
    session.close().unwrap();
}

/// The ranges of a log that values take.
fn values_of(path: &Path) -> Vec<std::ops::Range<usize>> {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut found) = (RECORDS as usize, Vec::new());
    while at < bytes.len() {
        let rest = (bytes.len() - at) as u64;
        let record = Record::read(&mut &bytes[at..], rest, DIMENSION).unwrap();
        at += record.size() as usize;
        let lengths = record.entries.iter().map(|head| head.lengths(DIMENSION));
        let values: u64 = lengths.map(|lengths| lengths.values).sum();
        found.push(at - values as usize..at);
    }
    found
}

#[test]
fn opening_a_store_reads_neither_rows_nor_texts() {
    const COUNT: usize = 1500;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    insert_texts(&collection, COUNT);
    optimize(&collection);
    let log = collection.directory().unwrap().join("log.1");
    drop(collection);
    session.close().unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    let values = values_of(&log);
    let total: usize = values.iter().map(|range| range.len()).sum();
    assert_eq!(total, COUNT * (4 * DIMENSION + TEXT + 16));
    for range in values {
        bytes[range].fill(7);
    }
    std::fs::write(&log, bytes).unwrap();

    let session = open(directory.path());
    let collection = opened(&session);
    assert_eq!(collection.count(WAIT, None).unwrap(), COUNT);
    // With its graph, too.
    assert_eq!(collection.info(WAIT).unwrap().indexed, COUNT);
    assert!(matches!(collection.get(WAIT, "v7"), Err(Error::Storage(_))));
    let row = vec![1.0; DIMENSION];
    let found = collection.search(row, &Default::default());
    assert!(matches!(found, Err(Error::Storage(_))));
    // Nobody needs the values of what is deleted.
    for i in 0..COUNT {
        collection
            .delete_one(WAIT, &format!("v{i}"), &plain())
            .unwrap();
    }
    assert_eq!(collection.verify_erased(&[]).unwrap(), []);
    session.close().unwrap();
}

#[test]
fn opening_finds_vectors_of_all_sizes_and_none_that_were_deleted() {
    const COUNT: usize = 2600;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    let metadata = |i: usize| match i {
        // Larger than everything that is read at once.
        1200..1203 => Some(format!("{{\"a\":\"{}\"}}", "x".repeat(1_500_000))),
        i if i % 7 == 0 => None,
        i => Some(format!("{{\"a\":\"{}\"}}", "y".repeat(i))),
    };
    let mut random = Random(3);
    let rows: Vec<_> = (0..COUNT).map(|_| random.vector(DIMENSION)).collect();
    for part in [0..1, 1..2000, 2000..2001, 2001..COUNT] {
        let batch = Batch {
            ids: part.clone().map(|i| Some(format!("v{i}"))).collect(),
            data: rows[part.clone()].concat(),
            lengths: vec![DIMENSION as u32],
            metadata: part.map(|i| metadata(i).map(Into::into)).collect(),
            ..Batch::default()
        };
        let mut prepared = collection.prepare(batch).unwrap();
        collection.insert(WAIT, &mut prepared).unwrap();
    }
    let is_deleted = |i: usize| i.is_multiple_of(3) || (400..1100).contains(&i);
    for i in (0..COUNT).filter(|&i| is_deleted(i)) {
        collection
            .delete_one(WAIT, &format!("v{i}"), &plain())
            .unwrap();
    }
    drop(collection);
    session.close().unwrap();
    let session = open(directory.path());
    let collection = opened(&session);
    let page = collection.list(0, usize::MAX).unwrap();
    let left: Vec<usize> = (0..COUNT).filter(|&i| !is_deleted(i)).collect();
    assert_eq!(page.vectors.len(), left.len());
    for (item, i) in page.vectors.iter().zip(left) {
        assert_eq!(*item.id, *format!("v{i}"));
        assert_eq!(item.data.as_ref(), Some(&rows[i]));
        assert_eq!(item.metadata.as_deref(), metadata(i).as_deref());
    }
    session.close().unwrap();
}

// Not where the other stores of tests are, which may be in memory.
#[cfg(target_os = "linux")]
#[test]
fn what_the_system_has_dropped_from_its_memory_is_found_all_the_same() {
    use std::os::fd::AsRawFd;
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    let mut random = Random(9);
    let rows: Vec<_> = (0..1500)
        .map(|i| (format!("v{i}"), random.vector(DIMENSION)))
        .collect();
    insert(&collection, &rows);
    optimize(&collection);
    collection.flush().unwrap();
    let log = File::open(collection.directory().unwrap().join("log.1")).unwrap();
    for (id, row) in rows.iter().step_by(50) {
        // SAFETY: the descriptor is open, and the call accesses no memory.
        unsafe { libc::posix_fadvise(log.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        match collection.get(Access::Now, id) {
            Ok(item) => assert_eq!(item.data.as_ref(), Some(row)),
            Err(error) => assert!(matches!(error, Error::WouldBlock), "{error:?}"),
        }
        let found = search(&collection, row, 10);
        let all = rows.iter().map(|(id, row)| (&**id, &**row));
        let wanted = nearest(Metric::Euclidean, all, row, 10);
        let found: Vec<_> = found.iter().map(|item| item.id.to_string()).collect();
        assert_eq!(found, wanted);
    }
    session.close().unwrap();
}

/// Both parts of each entry in a log, sealed, by the entry's number.
fn sealed_parts(path: &Path) -> BTreeMap<u64, [Vec<u8>; 2]> {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut found) = (RECORDS as usize, BTreeMap::new());
    while at < bytes.len() {
        let rest = (bytes.len() - at) as u64;
        let record = Record::read(&mut &bytes[at..], rest, DIMENSION).unwrap();
        at += record.size() as usize;
        let lengths: Vec<_> = record
            .entries
            .iter()
            .map(|head| head.lengths(DIMENSION))
            .collect();
        let mut outlines = &bytes[at - record.data as usize..at];
        let all: u64 = lengths.iter().map(|lengths| lengths.outline).sum();
        let mut values = outlines.split_off(all as usize..).unwrap();
        for (head, lengths) in record.entries.iter().zip(lengths) {
            let outline = outlines.split_off(..lengths.outline as usize).unwrap();
            let values = values.split_off(..lengths.values as usize).unwrap();
            found.insert(head.key, [outline.to_vec(), values.to_vec()]);
        }
    }
    found
}

// Sealing anything else with the same key and the same nonce would reveal how the two differ.
#[test]
fn a_rewritten_log_has_the_very_bytes_of_the_one_before() {
    const COUNT: usize = 3000;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    insert_texts(&collection, COUNT);
    optimize(&collection);
    let mut random = Random(8);
    let mut change = |collection: &Arc<Collection>, from: usize| {
        for i in (from..COUNT).step_by(11) {
            let update = Update {
                data: (i % 2 == 0).then(|| random.vector(DIMENSION)),
                text: (i % 3 == 0).then(|| "another".into()),
                metadata: Some(format!("{{\"i\":{i}}}").into()),
                ..Update::default()
            };
            collection.update(WAIT, &format!("v{i}"), &update).unwrap();
        }
        // Their slots hold the codes of others until the graph is repaired, and are used again.
        for i in (from + 1..COUNT).step_by(11) {
            collection
                .delete_one(WAIT, &format!("v{i}"), &plain())
                .unwrap();
        }
    };
    change(&collection, 0);
    let path = collection.directory().unwrap();
    let last = || {
        let logs = std::fs::read_dir(&path).unwrap();
        let names = logs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let numbers = names.filter_map(|name| name.strip_prefix("log.")?.parse::<u32>().ok());
        path.join(format!("log.{}", numbers.max().unwrap()))
    };
    let mut collection = collection;
    let mut session = session;
    for turn in 0..3 {
        let before = sealed_parts(&last());
        let old = last();
        optimize(&collection);
        assert_ne!(last(), old, "turn {turn}");
        let after = sealed_parts(&last());
        assert_eq!(after.len(), collection.count(WAIT, None).unwrap());
        for (number, parts) in &after {
            assert!(before[number] == *parts, "turn {turn}: entry {number}");
        }
        drop(collection);
        session.close().unwrap();
        session = open(directory.path());
        collection = opened(&session);
        change(&collection, 3 * (turn + 1));
    }
    session.close().unwrap();
}

// Nothing waits for the graph to be repaired: opening puts dead nodes where they were.
#[test]
fn a_store_that_was_closed_after_many_deletes_finds_the_rest_at_once_and_nothing_else() {
    const COUNT: usize = 3000;
    for metric in [Metric::Euclidean, Metric::Cosine, Metric::DotProduct] {
        let directory = directory();
        let mut session = open(directory.path());
        let mut collection = create(&session, metric);
        let mut random = Random(9);
        let mut rows: BTreeMap<String, Vec<f32>> = (0..COUNT)
            .map(|i| (format!("v{i}"), random.vector(DIMENSION)))
            .collect();
        let all: Vec<_> = rows.clone().into_iter().collect();
        insert(&collection, &all);
        optimize(&collection);
        let check =
            |collection: &Arc<Collection>, rows: &BTreeMap<String, Vec<f32>>, when: &str| {
                let mut random = Random(10);
                let mut found = 0;
                for _ in 0..50 {
                    let query = random.vector(DIMENSION);
                    let items = walk(collection, &query, 10);
                    assert_eq!(items.len(), 10, "{when}");
                    let near = rows.iter().map(|(id, row)| (&**id, &**row));
                    let near = nearest(metric, near, &query, 10);
                    for item in items {
                        assert!(rows.contains_key(&*item.id), "{when}: {}", item.id);
                        found += usize::from(near.contains(&(*item.id).to_owned()));
                    }
                }
                // Of 500.
                assert!(found >= 475, "{metric:?}, {when}: {found}");
                assert_eq!(collection.verify_erased(&[]).unwrap(), [], "{when}");
            };
        // In the first turn, too few are dead for the background thread to repair the graph at once.
        for turn in 0..3 {
            let dead: Vec<String> = (turn..COUNT).step_by(15).map(|i| format!("v{i}")).collect();
            collection.delete_many(WAIT, &dead, &plain()).unwrap();
            rows.retain(|id, _| !dead.contains(id));
            // The neighbours that lent their codes go as well, and others come.
            let new = vec![(format!("new-{turn}"), random.vector(DIMENSION))];
            drop(collection);
            session.close().unwrap();
            session = open(directory.path());
            collection = opened(&session);
            // Opening repairs nothing; by now, the background may have.
            let info = collection.info(WAIT).unwrap();
            let background = info.background;
            assert!(info.deleted > 0 || background.working || !background.worked.is_zero());
            check(&collection, &rows, &format!("opened, turn {turn}"));
            let dead: Vec<String> = rows.keys().step_by(50).cloned().collect();
            collection.delete_many(WAIT, &dead, &plain()).unwrap();
            rows.retain(|id, _| !dead.contains(id));
            insert(&collection, &new);
            rows.extend(new);
            check(&collection, &rows, &format!("changed, turn {turn}"));
        }
        optimize(&collection);
        check(&collection, &rows, "repaired");
        let info = collection.info(WAIT).unwrap();
        assert_eq!((info.deleted, info.pending), (0, 0));
        drop(collection);
        session.close().unwrap();
    }
}

#[test]
fn deleted_numbers_leave_the_graph_s_file_if_the_log_is_rewritten_after_the_repair() {
    const COUNT: usize = 8000;
    let directory = directory();
    let session = open(directory.path());
    let collection = create(&session, Metric::Euclidean);
    insert_texts(&collection, COUNT);
    optimize(&collection);
    let log = |number: u32| {
        collection
            .directory()
            .unwrap()
            .join(format!("log.{number}"))
    };
    let first = (1..10).find(|&number| log(number).exists()).unwrap();
    // Enough for the background to rewrite the log without being asked.
    let dead: Vec<String> = (0..COUNT * 3 / 4).map(|i| format!("v{i}")).collect();
    collection.delete_many(WAIT, &dead, &plain()).unwrap();
    loop {
        let info = collection.info(WAIT).unwrap();
        if info.deleted == 0 && !info.background.working && !log(first).exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(collection.verify_erased(&dead).unwrap(), []);
    drop(collection);
    session.close().unwrap();
}
