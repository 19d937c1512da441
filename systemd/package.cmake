# The Debian package: configure with -DCMAKE_INSTALL_PREFIX=/usr, build, then "cpack -G DEB" in the build folder.
# (The RPM is built the other way round, from evidenced.spec.)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME evidenced)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The evidenced maintainers <evidenced@packages.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "reminds by mail those who still owe evidence by a deadline")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
        "Watches the folders where proof is filed and reminds, by e-mail, exactly
the people who still owe something, as the deadline comes near. Filing
the document is all that a clerk does: it ends the reminders by itself.
Lead times in working days, a ladder of escalation, reports of points won
and at risk, and a ledger of who was told what and when.")
set(CPACK_STRIP_FILES ON)
# /etc is not below /usr: install rules name it absolutely, and that needs DESTDIR.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
        WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/debian/stage.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# sysusers and tmpfiles: systemd; deb-systemd-helper: init-system-helpers; organization.time_zone: tzdata.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54~), systemd (>= 252), tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, acl")
foreach(script postinst prerm postrm)
        configure_file(debian/${script}.in debian/${script} @ONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
                GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
        list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/debian/${script})
endforeach()
# What the administrator edits; dpkg asks before it replaces a changed one.
file(GLOB_RECURSE conffiles RELATIVE ${PROJECT_SOURCE_DIR}/conf CONFIGURE_DEPENDS
        ${PROJECT_SOURCE_DIR}/conf/evidenced.conf ${PROJECT_SOURCE_DIR}/conf/*.d/README)
list(FILTER conffiles EXCLUDE REGEX "^vn-2018/|^demo/")
list(TRANSFORM conffiles PREPEND ${CMAKE_INSTALL_FULL_SYSCONFDIR}/evidenced/)
list(JOIN conffiles "\n" conffiles)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/debian/conffiles "${conffiles}\n")
list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
