# What is installed, and the Debian package: scripts/dev package runs CPack over it.
include(GNUInstallDirs)
install(TARGETS vicinityd vicinityctl RUNTIME DESTINATION bin COMPONENT vicinity)
install(FILES deploy/systemd/vicinityd.service DESTINATION lib/systemd/system COMPONENT vicinity)
install(FILES deploy/systemd/vicinityd.yaml DESTINATION /etc/vicinity COMPONENT vicinity)
install(FILES deploy/debian/copyright docs/operations.md docs/cli.md docs/debugging.md
  DESTINATION share/doc/vicinity COMPONENT vicinity)
install(FILES bpf/LICENSE.md DESTINATION share/doc/vicinity RENAME LICENSE-bpf.md COMPONENT vicinity)
# Made by scripts/dev package, out of the programs' own tables.
set(VIC_REFERENCE ${CMAKE_BINARY_DIR}/reference)
install(FILES ${VIC_REFERENCE}/vicinityd.8 ${VIC_REFERENCE}/vicinityctl.8
  DESTINATION share/man/man8 COMPONENT vicinity OPTIONAL)
install(FILES ${VIC_REFERENCE}/vicinityctl ${VIC_REFERENCE}/vicinityd
  DESTINATION share/bash-completion/completions COMPONENT vicinity OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME vicinity)
set(CPACK_PACKAGE_CONTACT "the Vicinity maintainers <maintainers@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "eBPF L4 locality-aware load balancer")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL vicinity)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bpftool, jq")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${CMAKE_BINARY_DIR}/debian/conffiles "/etc/vicinity/vicinityd.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/postinst
  ${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/prerm
  ${CMAKE_CURRENT_SOURCE_DIR}/deploy/debian/postrm
  ${CMAKE_BINARY_DIR}/debian/conffiles)
include(CPack)
