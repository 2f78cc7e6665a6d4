include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
# What others link: elves::elves, the codec (elves/codec.hpp) and the reader of archives (elves/archive.hpp).
add_library(elves_public INTERFACE)
add_library(elves::elves ALIAS elves_public)
target_link_libraries(elves_public INTERFACE elves::encode elves::restore)
set_target_properties(elves_public PROPERTIES EXPORT_NAME elves)

install(TARGETS elves_public elves_support elves_mpi elves_h5 elves_formats elves_corpus elves_lineage elves_families elves_plan elves_dedup elves_encode
                elves_archive elves_restore elves_pipeline
        EXPORT elvesTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/elves DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT elvesTargets NAMESPACE elves:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/elves)
configure_package_config_file(cmake/elvesConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/elvesConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/elves)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/elvesConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/elvesConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/elvesConfigVersion.cmake
              cmake/dependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/elves)
install(FILES LICENSE README.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/elves)
