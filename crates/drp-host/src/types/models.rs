//! The keys of each object type (`models.md` §2, §5 to §18).

use super::fields::{
    Field,
    Form::{Address, Any, Bool, Bytes, Int, List, Map, Record, Records, Text, TextMap, Texts, Time, Uuid},
    field, omitted,
};

/// What a type without a content layer has.
pub(super) const UNBUNDLED: &[Field] = &[
    field("Validated", Bool),
    field("Available", Bool),
    field("Errors", Texts),
    field("ReadOnly", Bool),
    field("Meta", TextMap),
    field("Endpoint", Text),
];
pub(super) const BUNDLED: &[Field] = &[field("Bundle", Text)];
pub(super) const PARTIALED: &[Field] = &[field("Partial", Bool)];
pub(super) const NAMED: &[Field] = &[field("Name", Text), field("Description", Text), field("Documentation", Text)];

pub(super) const CUSTOM: &[Field] = &[
    field("Type", Text),
    field("Id", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Params", Map),
];
pub(super) const PARAM: &[Field] = &[field("Secure", Bool), field("Schema", Any)];
pub(super) const PLUGIN: &[Field] = &[field("Params", Map), field("Provider", Text), field("PluginErrors", Texts)];
pub(super) const PROFILE: &[Field] = &[field("Params", Map), field("Profiles", Texts)];

/// An entry of a role, and of what jobs get on top. Its keys are in lower case.
const CLAIM: &[Field] = &[field("scope", Text), field("action", Text), field("specific", Text)];
pub(super) const ROLE: &[Field] = &[field("Claims", Records(CLAIM))];
pub(super) const TENANT: &[Field] = &[field("Members", Map), field("Users", Texts)];
pub(super) const USER: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("PasswordHash", Bytes),
    field("Secret", Text),
    field("Roles", Texts),
];

pub(super) const TEMPLATE: &[Field] = &[field("ID", Text), field("Description", Text), field("Contents", Text)];
const TEMPLATE_INFO: &[Field] = &[
    field("Name", Text),
    field("Path", Text),
    field("Link", Text),
    field("ID", Text),
    field("Contents", Text),
    field("Meta", TextMap),
];
/// What tasks, stages and boot environments have in common.
pub(super) const RENDERED: &[Field] =
    &[field("Templates", Records(TEMPLATE_INFO)), field("RequiredParams", Texts), field("OptionalParams", Texts)];
pub(super) const TASK: &[Field] =
    &[field("Prerequisites", Texts), omitted("ExtraRoles", Texts), omitted("ExtraClaims", Records(CLAIM))];
pub(super) const STAGE: &[Field] = &[
    field("Params", Map),
    field("BootEnv", Text),
    field("Tasks", Texts),
    field("Profiles", Texts),
    field("Reboot", Bool),
    field("RunnerWait", Bool),
];
pub(super) const WORKFLOW: &[Field] = &[field("Stages", Texts)];
const OS: &[Field] = &[
    field("Name", Text),
    field("Family", Text),
    field("Codename", Text),
    field("Version", Text),
    field("IsoFile", Text),
    field("IsoSha256", Text),
    field("IsoUrl", Text),
    field("SupportedArchitectures", Map),
];
pub(super) const BOOT_ENV: &[Field] = &[
    field("OS", Record(OS)),
    field("Kernel", Text),
    field("Initrds", Texts),
    field("BootParams", Text),
    field("OnlyUnknown", Bool),
    field("Loaders", TextMap),
];

pub(super) const JOB: &[Field] = &[
    field("Uuid", Uuid),
    field("Previous", Uuid),
    field("Machine", Uuid),
    field("Task", Text),
    field("Stage", Text),
    field("Workflow", Text),
    field("BootEnv", Text),
    field("Context", Text),
    field("State", Text),
    field("ExitState", Text),
    field("StartTime", Time),
    field("EndTime", Time),
    field("Archived", Bool),
    field("Current", Bool),
    field("CurrentIndex", Int),
    field("NextIndex", Int),
    omitted("ExtraClaims", Records(CLAIM)),
    omitted("Token", Text),
];

const TRANSITION: &[Field] = &[
    omitted("Workflow", Text),
    omitted("AddProfiles", Texts),
    omitted("AddParameters", Map),
    omitted("RemoveProfiles", Texts),
    omitted("RemoveParameters", Texts),
];
const AUTO_FILL: &[Field] = &[
    omitted("UseAutoFill", Bool),
    omitted("MinFree", Int),
    omitted("MaxFree", Int),
    omitted("CreateParameters", Map),
    omitted("AcquirePool", Text),
    omitted("ReturnPool", Text),
];
pub(super) const POOL: &[Field] = &[
    field("Id", Text),
    omitted("Description", Text),
    omitted("Documentation", Text),
    omitted("ParentPool", Text),
    omitted("EnterActions", Record(TRANSITION)),
    omitted("ExitActions", Record(TRANSITION)),
    omitted("AllocateActions", Record(TRANSITION)),
    omitted("ReleaseActions", Record(TRANSITION)),
    omitted("AutoFill", Record(AUTO_FILL)),
];
pub(super) const CONTEXT: &[Field] = &[field("Image", Text), field("Engine", Text)];

const ELEMENT: &[Field] =
    &[field("Type", Text), field("Version", Text), field("Name", Text), field("ActualVersion", Text)];
const SOURCE_FILE: &[Field] =
    &[field("Path", Text), field("Sha256Sum", Text), field("Source", Text), field("Explode", Bool)];
pub(super) const ENDPOINT: &[Field] = &[
    field("Id", Text),
    omitted("Description", Text),
    omitted("Documentation", Text),
    omitted("Params", Map),
    omitted("ConnectionStatus", Text),
    omitted("VersionSet", Text),
    omitted("VersionSets", Texts),
    omitted("Apply", Bool),
    omitted("HaId", Text),
    omitted("Arch", Text),
    omitted("Os", Text),
    omitted("DRPVersion", Text),
    omitted("DRPUXVersion", Text),
    omitted("Components", Records(ELEMENT)),
    omitted("Plugins", List),
    omitted("Prefs", TextMap),
    omitted("Global", Map),
    omitted("Actions", List),
];
pub(super) const VERSION_SET: &[Field] = &[
    field("Id", Text),
    field("Description", Text),
    field("Documentation", Text),
    field("Apply", Bool),
    field("DRPVersion", Text),
    field("DRPUXVersion", Text),
    field("Components", Records(ELEMENT)),
    field("Plugins", List),
    field("Prefs", TextMap),
    field("Global", Map),
    field("Files", Records(SOURCE_FILE)),
];
pub(super) const CATALOG_ITEM: &[Field] = &[
    field("Id", Text),
    field("Type", Text),
    field("Name", Text),
    field("ActualVersion", Text),
    field("Version", Text),
    field("ContentType", Text),
    field("Source", Text),
    field("NOJQSource", Text),
    field("Shasum256", TextMap),
    field("Tip", Bool),
    field("HotFix", Bool),
];

const DHCP_OPTION: &[Field] = &[field("Code", Int), field("Value", Text)];
pub(super) const LEASE: &[Field] = &[
    field("Addr", Address),
    field("NextServer", Address),
    field("Via", Address),
    field("Token", Text),
    field("Duration", Int),
    field("ExpireTime", Time),
    field("Strategy", Text),
    field("State", Text),
    field("Options", Records(DHCP_OPTION)),
    field("ProvidedOptions", Records(DHCP_OPTION)),
    field("SkipBoot", Bool),
];
pub(super) const RESERVATION: &[Field] = &[
    field("Addr", Address),
    field("Description", Text),
    field("Documentation", Text),
    field("Token", Text),
    field("Subnet", Text),
    field("NextServer", Address),
    field("Options", Records(DHCP_OPTION)),
    field("Strategy", Text),
    field("Scoped", Bool),
    field("Duration", Int),
];
pub(super) const SUBNET: &[Field] = &[
    field("Enabled", Bool),
    field("Proxy", Bool),
    field("Unmanaged", Bool),
    field("Subnet", Text),
    field("NextServer", Address),
    field("ActiveStart", Address),
    field("ActiveEnd", Address),
    field("ActiveLeaseTime", Int),
    field("ReservedLeaseTime", Int),
    field("OnlyReservations", Bool),
    field("Options", Records(DHCP_OPTION)),
    field("Strategy", Text),
    field("Pickers", Texts),
];

pub(super) const MACHINE: &[Field] = &[
    field("Name", Text),
    field("Description", Text),
    field("Uuid", Uuid),
    field("CurrentJob", Uuid),
    field("Address", Address),
    field("Stage", Text),
    field("BootEnv", Text),
    field("Profiles", Texts),
    field("Params", Map),
    field("Tasks", Texts),
    field("CurrentTask", Int),
    field("RetryTaskAttempt", Int),
    field("TaskErrorStacks", List),
    field("Runnable", Bool),
    field("Secret", Text),
    field("OS", Text),
    field("HardwareAddrs", Texts),
    field("Workflow", Text),
    field("Arch", Text),
    field("Locked", Bool),
    field("Context", Text),
    field("Fingerprint", Map),
    field("Pool", Text),
    field("PoolAllocated", Bool),
    field("PoolStatus", Text),
    field("WorkflowComplete", Bool),
];
