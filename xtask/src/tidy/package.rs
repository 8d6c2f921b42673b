//! A member of the workspace, as its manifest tells it.

use anyhow::Context;
use toml::{Table, Value};

/// A member of the workspace.
#[derive(Debug)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its folder, from the root.
    pub(super) folder: String,
    manifest: Table,
}

/// One line of a dependency table.
#[derive(Debug)]
pub(super) struct Dependency<'a> {
    /// The package depended on, whatever it is called here.
    pub(super) name: &'a str,
    /// Whether only tests, examples and benches see it.
    pub(super) dev: bool,
    /// What the manifest says of it.
    pub(super) value: &'a Value,
}

impl Package {
    /// The package whose manifest stands in `folder`.
    pub(super) fn new(folder: &str, manifest: Table) -> anyhow::Result<Self> {
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str)
            .with_context(|| format!("{folder}/Cargo.toml has no package.name"))?
            .to_owned();
        Ok(Self {
            name,
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// Where its manifest is.
    pub(super) fn manifest_path(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// What the manifest says under `[table] key`.
    pub(super) fn get(&self, table: &str, key: &str) -> Option<&Value> {
        self.manifest.get(table)?.get(key)
    }

    /// Whether the manifest says `key.workspace = true` in the table.
    pub(super) fn inherits(&self, table: &str, key: &str) -> bool {
        self.get(table, key).is_some_and(is_inherited)
    }

    /// Whether it is meant for others.
    pub(super) fn is_published(&self) -> bool {
        self.get("package", "publish").and_then(Value::as_bool) != Some(false)
    }

    /// Everything it depends on, on any system.
    pub(super) fn dependencies(&self) -> Vec<Dependency<'_>> {
        let for_systems = self
            .manifest
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table);
        std::iter::once(&self.manifest)
            .chain(for_systems)
            .flat_map(dependencies_in)
            .collect()
    }
}

impl Dependency<'_> {
    /// Whether the workspace says which version.
    pub(super) fn is_inherited(&self) -> bool {
        is_inherited(self.value)
    }

    /// Whether a version is written here.
    pub(super) fn has_version(&self) -> bool {
        self.value.is_str() || self.value.get("version").is_some()
    }
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn dependencies_in(table: &Table) -> impl Iterator<Item = Dependency<'_>> {
    ["dependencies", "build-dependencies", "dev-dependencies"]
        .into_iter()
        .filter_map(|kind| Some((kind, table.get(kind)?.as_table()?)))
        .flat_map(|(kind, table)| {
            table.iter().map(move |(name, value)| Dependency {
                name: value.get("package").and_then(Value::as_str).unwrap_or(name),
                dev: kind == "dev-dependencies",
                value,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::Package;

    #[test]
    fn dependencies_of_every_kind_are_found_under_their_real_names() {
        let manifest = "package.name = 'a'\n\
            [dependencies]\nalias = { package = 'real', version = '1' }\n\
            [dev-dependencies]\nb = '1'\n\
            [target.'cfg(unix)'.build-dependencies]\nc.workspace = true\n";
        let package = Package::new("crates/a", manifest.parse().unwrap()).unwrap();

        let found: Vec<_> = package
            .dependencies()
            .iter()
            .map(|it| (it.name, it.dev, it.has_version(), it.is_inherited()))
            .collect();

        assert_eq!(
            found,
            [
                ("real", false, true, false),
                ("b", true, true, false),
                ("c", false, false, true),
            ]
        );
    }
}
