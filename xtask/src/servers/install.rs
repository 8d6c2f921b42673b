//! How programs come to this machine.

use anyhow::{Context, bail};

use super::program::Program;
use crate::shell::{Cmd, Shell};

/// Installs on Debian and its kin; from the root of the workspace.
const APT: &str = "xtask/src/servers/apt.sh";

/// What installs packages here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Brew,
}

/// In whose name packages are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Authority {
    /// The user's own, which is enough.
    Own,
    /// The administrator's, without a question.
    Sudo,
    /// Somebody must be asked.
    None,
}

/// Installs the programs, where that takes no question; otherwise the error says what to type.
pub(super) fn install(sh: &Shell, programs: &[&Program]) -> anyhow::Result<()> {
    if let Some(program) = programs.iter().find(|program| program.is_named()) {
        bail!("{}", program.advice());
    }
    let Some(manager) = Manager::find(sh) else {
        let advice: Vec<_> = programs.iter().map(|program| program.advice()).collect();
        bail!("nothing here installs packages\n{}", advice.join("\n"));
    };
    let packages = manager.packages(programs);
    let authority = authority(sh, manager);
    let command = match authority {
        Authority::None => bail!("{}", by_hand(manager, programs)),
        Authority::Sudo => sh.cmd("sudo").arg("-n").arg(manager.program()),
        Authority::Own => sh.cmd(manager.program()),
    };
    manager
        .arguments(command, programs)
        .args(packages)
        .run()
        .with_context(|| format!("cannot install; {}", by_hand(manager, programs)))
}

impl Manager {
    fn find(sh: &Shell) -> Option<Self> {
        [Self::Apt, Self::Dnf, Self::Brew]
            .into_iter()
            .find(|manager| sh.cmd(manager.name()).arg("--version").succeeds())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Brew => "brew",
        }
    }

    /// The program that is run.
    fn program(self) -> &'static str {
        match self {
            Self::Apt => "sh",
            Self::Dnf | Self::Brew => self.name(),
        }
    }

    /// What goes before the names of the packages.
    fn arguments<'a>(self, command: Cmd<'a>, programs: &[&Program]) -> Cmd<'a> {
        match self {
            Self::Apt => command.arg(APT).arg(services(programs)),
            // Neither starts what it installs.
            Self::Dnf => command.args(["install", "-y"]),
            Self::Brew => command.arg("install"),
        }
    }

    fn packages(self, programs: &[&Program]) -> Vec<&'static str> {
        programs
            .iter()
            .flat_map(|program| match self {
                Self::Apt => program.apt,
                Self::Dnf => program.dnf,
                Self::Brew => program.brew,
            })
            .copied()
            .collect()
    }
}

fn services(programs: &[&Program]) -> String {
    let services: Vec<_> = programs
        .iter()
        .flat_map(|program| program.services)
        .copied()
        .collect();
    services.join(" ")
}

fn authority(sh: &Shell, manager: Manager) -> Authority {
    if manager == Manager::Brew || sh.cmd("id").arg("-u").read().is_ok_and(|id| id == "0") {
        Authority::Own
    } else if sh.cmd("sudo").args(["-n", "true"]).succeeds() {
        Authority::Sudo
    } else {
        Authority::None
    }
}

/// What somebody with the right to do so would type.
fn by_hand(manager: Manager, programs: &[&Program]) -> String {
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    let packages = manager.packages(programs).join(" ");
    let services = services(programs);
    let mut commands = match manager {
        Manager::Apt => vec![
            "sudo apt-get update".to_owned(),
            format!("sudo apt-get install -y --no-install-recommends {packages}"),
        ],
        Manager::Dnf => vec![format!("sudo dnf install -y {packages}")],
        Manager::Brew => vec![format!("brew install {packages}")],
    };
    if manager == Manager::Apt && !services.is_empty() {
        commands.push(format!("sudo systemctl disable --now {services}"));
    }
    format!(
        "tests need {}; type `{}`",
        names.join(" and "),
        commands.join(" && ")
    )
}

#[cfg(all(test, not(windows)))]
mod tests {
    use std::env;

    use super::{Manager, by_hand};
    use crate::{
        servers::program::{PROGRAMS, Program},
        shell::Shell,
    };

    fn all() -> Vec<&'static Program> {
        PROGRAMS.iter().collect()
    }

    #[test]
    fn packages_of_all_programs_are_installed_at_once() {
        let sh = Shell::new(env::temp_dir());

        for (manager, names) in [
            (Manager::Apt, ["redis-server", "postgresql", "python3-venv"]),
            (Manager::Dnf, ["redis", "postgresql-server", "python3"]),
            (Manager::Brew, ["redis", "postgresql@17", "python"]),
        ] {
            let packages = manager.packages(&all());

            for name in names {
                assert!(packages.contains(&name), "{packages:?}");
            }
        }
        let apt = Manager::Apt.arguments(sh.cmd("sh"), &all()).to_string();
        assert!(apt.ends_with("apt.sh 'redis-server postgresql'"), "{apt}");
    }

    #[test]
    fn who_may_not_install_is_told_what_to_type() {
        let said = by_hand(Manager::Apt, &all());

        assert!(
            said.contains("redis-server and postgres and python3"),
            "{said}"
        );
        assert!(
            said.contains("sudo apt-get update && sudo apt-get install"),
            "{said}"
        );
        assert!(
            said.contains("disable --now redis-server postgresql"),
            "{said}"
        );
    }
}
