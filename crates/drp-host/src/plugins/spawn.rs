//! Starts processes that end when their host does, however it ends.
//!
//! A Go plugin whose host was killed is worse than a useless process: its library logs, in a loop, that it cannot log,
//! and takes gigabytes within a minute.

use std::{
    io,
    sync::{OnceLock, mpsc},
    thread,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

type Job = Box<dyn FnOnce() + Send>;

/// Starts `command`, and gives it back for another try. The process gets SIGTERM when this one ends.
pub(crate) async fn spawn(mut command: Command) -> (Command, io::Result<Child>) {
    end_with_this_process(&mut command);
    let runtime = Handle::current();
    let (answer, answered) = oneshot::channel();
    let job = move || {
        let _within = runtime.enter();
        let child = command.spawn();
        // Nobody waits any more: the child is killed as it is dropped.
        let _ = answer.send((command, child));
    };
    let no_thread = || (Command::new(""), Err(io::Error::other("there is no thread to start processes")));
    if spawner().send(Box::new(job)).is_err() {
        return no_thread();
    }
    answered.await.unwrap_or_else(|_| no_thread())
}

/// The thread that starts all processes. The kernel takes the end of the *thread* that started a process for the end of
/// its parent, and those of a runtime come and go.
fn spawner() -> &'static mpsc::Sender<Job> {
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    SPAWNER.get_or_init(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        // Without the thread the queue is gone, which is an error of every start.
        drop(thread::Builder::new().name("spawner".to_owned()).spawn(move || queue.iter().for_each(|job| job())));
        jobs
    })
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "only the child itself can ask for the signal, between its birth and its program")]
fn end_with_this_process(command: &mut Command) {
    use rustix::{
        io::Errno,
        process::{Signal, getpid, getppid, set_parent_process_death_signal},
    };
    let parent = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::TERM))?;
        // The parent may have ended before the question.
        if getppid() == Some(parent) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    // SAFETY: `ask` makes two system calls and neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_this_process(_: &mut Command) {}
