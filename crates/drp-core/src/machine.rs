//! Machines (`models.md` §12).

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    Access, Blank, Bundled, List, Meta, Model, OrNull, Owned, Params, Partialed, Problem, Secret, Uuid, Validation,
    names, problem::Problems, wire::wire_object,
};

wire_object! {
    /// A machine that the server provisions.
    pub struct Machine {
        mixin validation: Validation,
        mixin access: Access,
        mixin meta: Meta,
        mixin owned: Owned,
        mixin bundled: Bundled,
        mixin partialed: Partialed,
        /// Unique name; by convention a full host name.
        "Name" name: String,
        /// One line for people.
        "Description" description: String,
        /// The key; made at creation.
        "Uuid" uuid: Uuid,
        /// The job that runs now.
        "CurrentJob" current_job: Uuid,
        /// Address it boots with.
        "Address" address: Blank<IpAddr>,
        /// Current stage.
        "Stage" stage: String,
        /// Current boot environment.
        "BootEnv" boot_env: String,
        /// Profiles, first one first.
        "Profiles" profiles: List<String>,
        /// Its own param values, which win over all others.
        "Params" params: Params,
        /// Task entries.
        "Tasks" tasks: List<String>,
        /// Index of the running or next task.
        "CurrentTask" current_task: i64,
        /// Retries of the current task.
        "RetryTaskAttempt" retry_task_attempt: i64,
        /// Task lists that wait for an error handler to end.
        "TaskErrorStacks" task_error_stacks: List<TaskErrorStack>,
        /// An agent may run jobs on it.
        "Runnable" runnable: bool,
        /// Changing it revokes the machine's tokens.
        "Secret" secret: Secret,
        /// Operating system.
        "OS" os: String,
        /// Hardware addresses it may boot from.
        "HardwareAddrs" hardware_addrs: List<String>,
        /// Current workflow.
        "Workflow" workflow: String,
        /// Architecture, such as `amd64`.
        "Arch" arch: String,
        /// Users may only unlock it.
        "Locked" locked: bool,
        /// Execution context; empty for an agent on the machine itself.
        "Context" context: String,
        /// What its hardware is known by.
        "Fingerprint" fingerprint: Fingerprint,
        /// Pool it belongs to.
        "Pool" pool: String,
        /// It is allocated in its pool.
        "PoolAllocated" pool_allocated: bool,
        /// State in its pool.
        "PoolStatus" pool_status: String,
        /// Its workflow has ended.
        "WorkflowComplete" workflow_complete: bool,
    }
}

impl Model for Machine {
    const PREFIX: &'static str = "machines";
    fn key(&self) -> String {
        self.uuid.to_string()
    }

    fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        match canonical_arch(&self.arch) {
            None => problems.add("/Arch", format!("Unsupported arch {}", self.arch)),
            Some(canonical) if canonical != self.arch => {
                problems.add("/Arch", format!("Please use {canonical} for Arch instead of {}", self.arch));
            }
            Some(_) => {}
        }
        problems.require(names::is_machine_name, "Invalid Name", "/Name", &self.name);
        problems.require(names::is_name, "Invalid Stage", "/Stage", &self.stage);
        problems.require(names::is_name, "Invalid BootEnv", "/BootEnv", &self.boot_env);
        problems.require_if_given(names::is_name, "Invalid Workflow", "/Workflow", &self.workflow);
        let mut seen = BTreeMap::new();
        for (i, profile) in self.profiles.iter().enumerate() {
            let first = *seen.entry(profile).or_insert(i);
            if first != i {
                problems.add(format!("/Profiles/{i}"), format!("Duplicate profile {profile}: at {first} and {i}"));
            }
        }
        problems.require_all(names::is_name, "Invalid Profile", "/Profiles", &self.profiles);
        for (i, entry) in self.tasks.iter().enumerate() {
            check_task(&format!("/Tasks/{i}"), entry, &mut problems);
        }
        for (i, address) in self.hardware_addrs.iter().enumerate().filter(|(_, text)| !is_hardware_address(text)) {
            let text = format!("Invalid Hardware Address `{address}`: address {address}: invalid MAC address");
            problems.add(format!("/HardwareAddrs/{i}"), text);
        }
        problems.0
    }
}

/// The grammar of task entries, `models.md` §12.2.
fn check_task(path: &str, entry: &str, problems: &mut Problems) {
    let mut require_name = |what, name: &str| problems.require(names::is_name, what, path, name);
    match entry.split_once(':') {
        None => require_name("Invalid Task", entry),
        Some(("stage", stage)) => require_name("Invalid Stage", stage),
        Some(("bootenv", boot_env)) => require_name("Invalid BootEnv", boot_env),
        Some(("action", action)) => match action.split_once(':') {
            None => require_name("Invalid Action", action),
            Some((plugin, command)) => {
                require_name("Invalid Plugin", plugin);
                require_name("Invalid Action", command);
            }
        },
        Some(_) => {}
    }
}

/// The server's name for an architecture; `None` for one that it does not support.
pub(crate) fn canonical_arch(arch: &str) -> Option<&'static str> {
    Some(match arch.to_ascii_lowercase().as_str() {
        "amd64" | "x86_64" => "amd64",
        "386" | "486" | "686" | "i386" | "i486" | "i686" => "386",
        "arm" | "armel" | "armhfp" => "arm",
        "arm64" | "aarch64" => "arm64",
        "ppc64" | "power9" => "ppc64",
        "ppc64le" => "ppc64le",
        "mips64" => "mips64",
        "mips64le" | "mips64el" => "mips64le",
        "s390x" => "s390x",
        "mips" => "mips",
        "mipsle" | "mipsel" => "mipsle",
        "rpi4" => "rpi4",
        _ => return None,
    })
}

/// 6, 8 or 20 bytes: pairs of hex digits with `:` or `-`, or groups of four with `.`.
fn is_hardware_address(address: &str) -> bool {
    let groups = |mark, digits, counts: [usize; 3]| {
        let fits = |group: &str| group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        counts.contains(&address.split(mark).count()) && address.split(mark).all(fits)
    };
    groups(':', 2, [6, 8, 20]) || groups('-', 2, [6, 8, 20]) || groups('.', 4, [3, 4, 10])
}

wire_object! {
    /// A task list that waits for an error handler to end.
    pub struct TaskErrorStack {
        /// Index into the list.
        "CurrentTask" current_task: i64,
        /// Task entries.
        "TaskList" task_list: List<String>,
    }
}

wire_object! {
    /// What a machine's hardware is known by. Hashes are base64 of SHA-256.
    pub struct Fingerprint {
        /// Hash of the system's manufacturer, product and serial number.
        "SSNHash" ssn_hash: OrNull<String>,
        /// Hash of the chassis' or board's identity.
        "CSNHash" csn_hash: OrNull<String>,
        /// `<cloud>:<instance>` from cloud-init.
        "CloudInstanceID" cloud_instance_id: String,
        /// DMI UUID.
        "SystemUUID" system_uuid: String,
        /// One hash a memory module, sorted.
        "MemoryIds" memory_ids: List<String>,
    }
}
