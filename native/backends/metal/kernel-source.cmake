# The dialect's kernels as one text in Metal's language, for Apple's compiler, which has no folders to include from when
# a program gives it a string.
#   include(kernel-source.cmake), then metal_kernel_source(text)
#   cmake -DOUT=kernels.metal -P kernel-source.cmake     writes it to a file, to look at and to check
cmake_minimum_required(VERSION 3.18)
set(SLUICE_GPU_FOLDER ${CMAKE_CURRENT_LIST_DIR}/../gpu)

# A header with what it includes in place of its #include lines, each header once; others than gpu/'s are left out.
function(flatten_header path result)
  get_filename_component(path ${path} ABSOLUTE)
  get_property(seen GLOBAL PROPERTY SLUICE_FLATTENED)
  if(path IN_LIST seen OR NOT path MATCHES "/backends/gpu/")
    set(${result} "" PARENT_SCOPE)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY SLUICE_FLATTENED ${path})
  get_filename_component(folder ${path} DIRECTORY)
  file(READ ${path} text)
  string(REPLACE "#pragma once\n" "" text "${text}")
  string(REGEX MATCHALL "#include \"[^\"]+\"\n" lines "${text}")
  foreach(line ${lines})
    string(REGEX REPLACE "#include \"([^\"]+)\"\n" "\\1" name ${line})
    flatten_header(${folder}/${name} inner)
    string(REPLACE "${line}" "${inner}" text "${text}")
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(metal_kernel_source result)
  set_property(GLOBAL PROPERTY SLUICE_FLATTENED "")
  flatten_header(${SLUICE_GPU_FOLDER}/kernels/kernels.h text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  metal_kernel_source(text)
  file(WRITE ${OUT} "${text}")
endif()
