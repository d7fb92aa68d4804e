//! Nothing is left of a run, however it ends.

use std::{fs, path::Path, time::Duration};

use drp_conformance::Code;

use crate::rude;

/// Processes that have a path in their arguments.
fn processes_of(path: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let commands = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).replace('\0', " "));
    commands.filter(|command| command.contains(&*path.to_string_lossy())).collect()
}

/// Directories that runs have made: those of the sockets in the arguments.
fn directories(commands: &[String]) -> Vec<String> {
    let sockets = commands.iter().filter_map(|command| command.split(' ').find(|arg| arg.contains("/drpx-")));
    sockets.filter_map(|socket| Some(Path::new(socket).parent()?.to_string_lossy().into_owned())).collect()
}

async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_dropped_takes_its_processes_and_files_along() {
    let directory = tempfile::tempdir().unwrap();
    // Whose children hold on, and which does not care for SIGTERM.
    for mode in ["-serve-fork", "-stop-stubborn"] {
        let suite = rude::suite(directory.path(), mode, &[Code::StopEnds, Code::ServeAlive, Code::SigtermEnds]);
        let provider = rude::provider(directory.path(), mode);
        let run = tokio::spawn(async move { suite.run(|_| {}).await.map(drop) });
        let made =
            until("it runs", || Some(directories(&processes_of(&provider))).filter(|made| !made.is_empty())).await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        until("its processes are gone", || processes_of(&provider).is_empty().then_some(())).await;
        for made in made {
            assert!(!Path::new(&made).exists(), "{made}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_leaves_nobody() {
    let directory = tempfile::tempdir().unwrap();
    rude::judge(directory.path(), "-serve-fork", &[Code::StopLeftovers, Code::ServeAlive]).await;
    assert_eq!(processes_of(directory.path()), Vec::<String>::new());
}
