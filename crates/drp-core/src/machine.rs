//! Machines (`models.md` §12).

use std::net::IpAddr;

use crate::{
    Access, Blank, Bundled, List, Meta, Model, OrNull, Owned, Params, Partialed, Secret, Uuid, Validation,
    wire::wire_object,
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
