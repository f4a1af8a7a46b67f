//! Any text as an expression in the innermost frame of the snapshot that `DPDB_FUZZ_SNAPSHOT` names: names, members,
//! containers and casts of a real program.
#![no_main]

use std::time::Duration;

use dpdb_analyzer::{Frame, Memo, Options, Place, Session, ValueLimits, ValueStyle};
use dpdb_snapshot::Snapshot;

struct Scene {
    session: Session,
    tid: i32,
    frames: Vec<Frame>,
}

impl Scene {
    fn open() -> Scene {
        let path = std::env::var_os("DPDB_FUZZ_SNAPSHOT").expect("DPDB_FUZZ_SNAPSHOT names a snapshot");
        let opened = Snapshot::open(path.as_ref()).expect("the snapshot can be opened");
        let session = Session::new(Box::new(opened), Options::default());
        let tid = session.process().threads[0].tid;
        let frames = session.backtrace(tid, 10).frames;
        Scene { session, tid, frames }
    }
}

thread_local! {
    static SCENE: Scene = Scene::open();
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    SCENE.with(|scene| {
        let place = Place { tid: scene.tid, frames: &scene.frames, index: 0, function: 0 };
        let mut memo = Memo::default();
        let limits = ValueLimits { style: ValueStyle::Pretty, time: Duration::from_secs(5), ..ValueLimits::default() };
        if let Ok(found) = scene.session.evaluate(place, text, &mut memo, limits) {
            let _ = serde_json::to_string(&found.tree);
        }
        let _ = scene.session.whatis(place, text, &mut memo);
        let _ = scene.session.ptype(place, text, &mut memo, true);
    });
});
