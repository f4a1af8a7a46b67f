//! The rank of a process in its job, out of its environment.

use dpdb_snapshot::Text;
use dpdb_snapshot::process::Rank;

/// The most variables that are kept.
const MOST_VARIABLES: usize = 512;

/// torchrun, Open MPI, PMIx, MPICH and Slurm, in the order in which they are believed.
const RANK: [&str; 6] = ["RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MPI_RANKID", "SLURM_PROCID"];
const LOCAL_RANK: [&str; 5] =
    ["LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PMI_LOCAL_RANK", "SLURM_LOCALID"];
const WORLD_SIZE: [&str; 5] = ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_NRANKS", "SLURM_NTASKS"];

const PREFIXES: [&str; 5] = ["OMPI_", "PMI_", "PMIX_", "SLURM_", "MPI_"];
const NAMES: [&str; 6] = ["RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK"];

/// What the environment says of ranks.
pub(super) fn rank(environment: &[Text]) -> Rank {
    let variables: Vec<&Text> =
        environment.iter().filter(|variable| is_about_ranks(variable)).take(MOST_VARIABLES).collect();
    let first = |names: &[&str]| names.iter().find_map(|name| number(&variables, name));
    Rank {
        rank: first(&RANK),
        local_rank: first(&LOCAL_RANK),
        world_size: first(&WORLD_SIZE),
        variables: variables.iter().map(|&variable| variable.clone()).collect(),
    }
}

fn is_about_ranks(variable: &Text) -> bool {
    let bytes = variable.as_bytes();
    let name = &bytes[..bytes.iter().position(|&byte| byte == b'=').unwrap_or(bytes.len())];
    NAMES.iter().any(|known| known.as_bytes() == name) || PREFIXES.iter().any(|it| name.starts_with(it.as_bytes()))
}

fn number(variables: &[&Text], name: &str) -> Option<u32> {
    let value = |variable: &&Text| variable.as_str()?.strip_prefix(name)?.strip_prefix('=')?.trim().parse().ok();
    variables.iter().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_found_whatever_framework_set_it() {
        for (variables, expected) in [
            (&["RANK=3", "LOCAL_RANK=1", "WORLD_SIZE=8", "HOME=/"][..], (Some(3), Some(1), Some(8), 3)),
            (&["OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=2"], (Some(0), None, Some(2), 2)),
            (&["SLURM_PROCID=7", "SLURM_LOCALID=1", "SLURM_NTASKS=16"], (Some(7), Some(1), Some(16), 3)),
            (&["SLURM_PROCID=7", "RANK=2"], (Some(2), None, None, 2)),
            (&["RANKING=1", "MY_RANK=2", "RANK=x", "PATH=RANK=1"], (None, None, None, 1)),
        ] {
            let environment: Vec<Text> = variables.iter().map(|&variable| Text::from(variable)).collect();
            let rank = rank(&environment);
            assert_eq!((rank.rank, rank.local_rank, rank.world_size, rank.variables.len()), expected, "{variables:?}");
        }
    }
}
