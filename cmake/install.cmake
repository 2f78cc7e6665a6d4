include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS elves_support elves_mpi elves_h5 elves_formats elves_corpus elves_lineage elves_families elves_plan elves_dedup elves_encode
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
