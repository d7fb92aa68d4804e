//! The check list of `api.md` §18: what the test suites of the original expect of a server, item by item.
//!
//! A test names its item: `t48_` are those still recorded for v4.8, `t40_` those of the last full recording against a
//! v4 server. Items that other tests hold:
//!
//! | item | held by |
//! |---|---|
//! | T48 contents | `contents::contents_come_and_go_as_in_the_reference_tests`, and `t48_contents_…` here |
//! | T48 files, T40 files | `files::files_come_and_go_as_in_the_reference_tests` |
//! | T48 isos, T40 isos | `files::isos_come_and_go_as_in_the_reference_tests` |
//! | T48 interfaces | `indexes::interfaces_can_be_listed_and_missing_ones_are_named` |
//! | T48 leases | `jobs::types_without_anything_special_are_served_as_others`, and `t48_leases_…` here |
//! | T40 users and tokens | `access::bad_lives_and_unknown_users_of_tokens_are_named`, `access::a_token_works_…` |
//! | T40 prefs | `prefs::preferences_have_defaults_…`, `prefs::everything_wrong_with_preferences_…` |
//! | T40 secure params | `secure_params`, `secure_params::roles_without_the_secure_claims_are_refused_with_the_texts_…` |
//! | T40 roles and tenants | `tenants`, `access::what_a_role_does_not_grant_is_hidden_or_refused` |
//! | T40 meta | `objects::params_and_meta_are_read_and_written_on_their_own` |
//! | T40 jobs | `jobs::a_job_lives_from_post_to_delete` |
//! | T40 logs | `reading::a_request_is_logged_at_the_level_it_asks_for` |
//! | T40 prerequisites and features of contents | `contents::what_a_bundle_demands_is_checked` |
//!
//! Out of scope, since this host does not do what they test (`decisions.md`): services of DHCP, TFTP and BINL and the
//! ports of `info` that belong to them; boot environments that are rendered, with templates that must exist and ISOs that
//! must be there; stages and workflows that change a machine's task list; jobs that run `action:` entries; the agent; the
//! files that a server ships (`drpcli`, `jq`); licences, in which writing roles and tenants needs one; texts of the
//! command itself (usage, unknown formats), which no server sees.

#[path = "checklist/objects.rs"]
mod objects;
#[path = "checklist/plugins.rs"]
mod plugins;
#[path = "checklist/references.rs"]
mod references;
#[path = "checklist/rest.rs"]
mod rest;
