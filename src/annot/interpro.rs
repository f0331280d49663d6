//! Matches of InterPro: what InterProScan writes, and protein2ipr.

pub mod interproscan;
pub mod interproscan_json;
pub mod interproscan_xml;
pub mod protein2ipr;
