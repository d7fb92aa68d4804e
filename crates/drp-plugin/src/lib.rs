//! drp-plugin
