# Debian 12 packages of elves. Sourced by quickstart.sh and tests/run.sh: need_packages NAME... installs what is missing,
# and asks for root (sudo) only then.

build_packages="g++ cmake ninja-build pkg-config openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libzstd-dev libxxhash-dev
  libboost-program-options-dev libhwy-dev nlohmann-json3-dev libfmt-dev zlib1g-dev"
test_packages="libgtest-dev libbenchmark-dev hdf5-tools zstd python3 python3-h5py python3-numpy python3-zstandard"
clang_packages="clang clang-format clang-tidy"
framework_packages="python3-torch python3-onnx python3-h5py python3-numpy python3-flatbuffers"

need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return 0
  echo "installing ${missing[*]}"
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# For one host. OpenMPI refuses root and more ranks than cores unless it is told that this is meant, and looks 0.2 s for networks.
mpi_environment() {
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_pml=ob1
}
