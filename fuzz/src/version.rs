//! Versions, and lists of what bundles and providers need, as they come from content and `define`.

use drp_content::{Metadata, Prerequisite, Version};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (list, version) = text.split_once('\n').unwrap_or((text, text));
    let mut metadata = Metadata::default();
    metadata.set("Name", "fuzz");
    metadata.set("Version", version);
    metadata.set("Prerequisites", list);
    metadata.set("RequiredFeatures", list);
    let _ = metadata.refusals(&["a", "b"]);
    let _ = metadata.unmet(|_| Some(version.to_owned()));
    let Ok(needed) = Prerequisite::parse_list(list) else { return };
    if let Ok(version) = version.parse::<Version>() {
        let _ = needed.iter().filter(|one| one.is_met_by(&version)).count();
        assert_eq!(version.to_string().parse::<Version>(), Ok(version), "what was written is read");
    }
}
