use std::time::Instant;

use super::*;

fn sh(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

/// Whether a process with this number still runs; one that has ended and waits for its parent does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

async fn ends(pid: &str) {
    let give_up = Instant::now() + Duration::from_secs(10);
    while runs(pid) {
        assert!(Instant::now() < give_up, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn status_and_outputs_are_told_apart() {
    let output = sh("echo out; echo err >&2; exit 3").run().await.unwrap();
    assert_eq!((output.code(), output.stdout_text().as_str(), output.stderr()), (Some(3), "out\n", &b"err\n"[..]));
    let error = output.success().unwrap_err().to_string();
    assert_eq!(error, "`/bin/sh` failed with exit status: 3: err");
    let killed = sh("kill -9 $$").run().await.unwrap();
    assert_eq!(killed.code(), None);
}

#[tokio::test]
async fn what_it_reads_is_what_it_was_given() {
    let output = Command::new("cat").stdin("a secret").run().await.unwrap();
    assert_eq!(output.stdout(), b"a secret");
    // Nothing to read is an end, not a wait.
    assert_eq!(Command::new("cat").run().await.unwrap().stdout(), b"");
    // More than a pipe holds, to one who does not read.
    let output = sh("exit 0").stdin(vec![b'x'; 1 << 20]).run().await.unwrap();
    assert_eq!(output.code(), Some(0));
}

#[tokio::test]
async fn output_without_end_is_cut_and_the_program_killed_in_time() {
    let limit = Duration::from_millis(300);
    let error = sh("while :; do echo 0123456789; done").time_limit(limit).run().await.unwrap_err();
    assert_eq!(error.to_string(), "`/bin/sh` did not end within 300ms and was killed");
    let output = sh("head -c 3000000 /dev/zero; echo end >&2").run().await.unwrap();
    assert_eq!((output.stdout().len(), output.truncated()), (limits::CHILD_OUTPUT_BYTES_MAX, true));
    assert_eq!(output.stderr(), b"end\n");
    let output = sh("printf 12345").output_limit(5).run().await.unwrap();
    assert_eq!((output.stdout(), output.truncated()), (&b"12345"[..], false));
}

#[tokio::test]
async fn one_that_ignores_sigterm_and_leaves_a_grandchild_is_killed_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        format!("trap '' TERM; sleep 600 & echo $! > {0}/grandchild; while :; do sleep 1; done", dir.path().display());
    let started = Instant::now();
    let error = sh(&script).time_limit(Duration::from_millis(300)).run().await.unwrap_err();
    assert!(matches!(error, CommandError::TimedOut { .. }));
    assert!(started.elapsed() < Duration::from_secs(10));
    ends(&std::fs::read_to_string(dir.path().join("grandchild")).unwrap()).await;
}

#[tokio::test]
async fn a_grandchild_that_holds_the_outputs_holds_nobody_up() {
    let started = Instant::now();
    let output = sh("sleep 600 & echo $!").run().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
    ends(&output.stdout_text()).await;
}

#[tokio::test]
async fn one_that_nobody_waits_for_any_more_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!("echo $$ > {}.new; mv {0}.new {0}; sleep 600", file.display());
    let running = tokio::spawn(sh(&script).run());
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.abort();
    ends(&std::fs::read_to_string(&file).unwrap()).await;
}

#[tokio::test]
async fn the_environment_is_clean_and_secrets_are_in_no_argument() {
    let secret = Secure::new("opensesame-process".to_owned());
    let output = Command::new("env").env("A", "1").secret_env("B", &secret).run().await.unwrap();
    let text = output.stdout_text();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.iter().all(|name| INHERITED.contains(name) || ["A", "B"].contains(name)), "{names:?}");
    assert!(text.contains("A=1\n") && text.contains("B=opensesame-process\n"), "{text}");

    let output =
        sh("stat -c %a \"$1\"; cat \"$1\"; tr '\\0' ' ' < /proc/$$/cmdline").arg("sh").secret_file_arg(&secret);
    let text = output.run().await.unwrap().stdout_text();
    assert!(text.starts_with("600\nopensesame-process"), "{text}");
    assert_eq!(text.matches("opensesame").count(), 1, "{text}");
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = Command::new("no-such-program-4711").run().await.unwrap_err();
    assert_eq!(error.to_string(), "there is no program `no-such-program-4711`; install it, or check PATH");
    assert_eq!(crate::Error::from(error).code(), 500);
    let limit = Duration::from_millis(20);
    let error = sh("sleep 9").time_limit(limit).run().await.unwrap_err();
    assert_eq!(crate::Error::from(error).code(), 504);
}

#[tokio::test]
async fn a_secret_in_an_argument_is_refused_unless_there_is_no_other_way() {
    let held = crate::redact::SecretsInUse::of([&drp_core::Raw::from("opensesame-argument")]);
    let command = || Command::new("echo").arg("--password=opensesame-argument");
    let error = command().run().await.unwrap_err();
    assert!(matches!(error, CommandError::SecretArgument { .. }), "{error}");
    assert!(!error.to_string().contains("opensesame"), "{error}");
    let output = command().allow_secret_args().run().await.unwrap();
    assert_eq!(output.stdout(), b"--password=opensesame-argument\n");
    drop(held);
}

#[tokio::test]
async fn half_a_secret_is_in_no_error() {
    let held = crate::redact::SecretsInUse::of([&drp_core::Raw::from("opensesame-cut")]);
    // The cut goes through the secret.
    let script = "printf opensesame-cut >&2; head -c 495 /dev/zero | tr '\\0' x >&2; exit 1";
    let error = sh(script).allow_secret_args().run().await.unwrap().success().unwrap_err().to_string();
    assert!(!error.contains("-cut") && error.contains("ret]xxx"), "{error}");
    drop(held);
}

#[tokio::test]
async fn why_it_cannot_be_started_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        path
    };
    let check = async |command: Command, part: &str| {
        let error = drp_core::chain(&command.run().await.unwrap_err());
        assert!(error.contains(part), "{error}");
    };
    check(sh("").current_dir("/no/such/dir"), "there is no directory `/no/such/dir` to run it in").await;
    check(Command::new(file("plain", "", 0o644)), "Permission denied").await;
    check(Command::new(file("script", "#!/no/such/shell\n", 0o755)), "No such file").await;
    check(Command::new("echo").arg("x".repeat(4 << 20)), "Argument list too long").await;
    check(sh("").env("A", "a\0b"), "nul byte").await;
    check(Command::new(""), "there is no program ``").await;
}

#[test]
fn a_program_is_looked_for_without_running_it() {
    assert!(Command::new("sh").check().is_ok());
    assert!(Command::new("/bin/sh").check().is_ok());
    assert!(matches!(Command::new("sh").env("PATH", "/no/such").check(), Err(CommandError::NotFound { .. })));
    for nothing in ["no-such-program-4711", "/etc/passwd", "/", ""] {
        assert!(Command::new(nothing).check().is_err(), "{nothing}");
    }
}

#[tokio::test]
async fn the_shortest_and_the_longest_times_are_taken_as_they_are_meant() {
    assert_eq!(sh("exit 3").time_limit(Duration::MAX).run().await.unwrap().code(), Some(3));
    let error = sh("sleep 600").time_limit(Duration::ZERO).run().await.unwrap_err();
    assert!(matches!(error, CommandError::TimedOut { .. }));
}

#[test]
fn debug_texts_show_no_argument_and_no_output() {
    let command = sh("opensesame").env("A", "opensesame");
    assert!(!format!("{command:?}").contains("opensesame"));
}
