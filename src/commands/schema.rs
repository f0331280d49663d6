//! `protsae-schema`: JSON Schemas of every configuration, sidecar and table.
