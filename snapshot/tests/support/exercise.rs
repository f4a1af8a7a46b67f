//! Uses all of a file, whatever it is: what the tests with broken files and the fuzz targets have in common.

use std::io::{self, Write};
use std::path::Path;

use dpdb_snapshot::{Absent, Avma, Memory, Snapshot};

/// Opens the file and asks it for everything. What it answers may be anything but a panic, a hang, or nonsense.
pub fn exercise(path: &Path) {
    let snapshot = match Snapshot::open(path) {
        Ok(snapshot) => snapshot,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let info = Snapshot::info(path).expect("what opens has an info");
    assert_eq!(info.process, *snapshot.process());
    let sentences: Vec<String> = snapshot.damage().iter().map(ToString::to_string).collect();
    assert!(sentences.iter().all(|sentence| !sentence.is_empty()));

    let process = snapshot.process();
    let mapped = process.mappings.iter().flat_map(|mapping| [mapping.range.start.0, mapping.range.end.0]);
    let special = [0, 1 << 63, u64::MAX - 7, u64::MAX];
    for at in mapped.take(24).chain(special) {
        for at in [at.wrapping_sub(8), at, at.wrapping_add(3)] {
            check_read(&snapshot, Avma(at));
        }
    }
    // A file of a few KiB can claim to hold terabytes of zeros.
    let _ = snapshot.export(&mut Bounded(1 << 20));
}

fn check_read(memory: &dyn Memory, at: Avma) {
    let mut bytes = [0; 1000];
    match memory.read_some(at, &mut bytes) {
        Ok(got) => assert!((1..=bytes.len()).contains(&got)),
        Err(Absent::NotMapped(missing)) => assert_eq!(missing, at),
        Err(Absent::NotCaptured { range, reason } | Absent::Unreadable { range, reason }) => {
            assert!(range.contains(at), "{at} is not in {range}: {reason}");
        }
    }
    let _ = memory.read_c_string(at, 100);
}

/// Takes so many bytes and no more.
struct Bounded(usize);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("enough"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
